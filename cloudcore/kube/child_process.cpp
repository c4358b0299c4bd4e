// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kube/child_process.hpp"

#include "common/async/timeout.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <string_view>
#include <system_error>

namespace farhold::kube {

namespace asio = boost::asio;
using boost::system::error_code;
using Descriptor = asio::posix::stream_descriptor;

namespace {

std::unexpected<Error> fail_with(int code, const std::string& what) {
    const ErrorCode kind = code == ENOENT                    ? ErrorCode::not_found
                           : code == EACCES || code == EPERM ? ErrorCode::permission_denied
                                                             : ErrorCode::resource_exhausted;
    return fail(kind, what + ": " + std::generic_category().message(code));
}

class FileActions {
public:
    FileActions() { ::posix_spawn_file_actions_init(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }

    void open_null(int as) {
        ::posix_spawn_file_actions_addopen(&actions_, as, "/dev/null", O_RDONLY, 0);
    }
    void duplicate(int from, int as) { ::posix_spawn_file_actions_adddup2(&actions_, from, as); }
    const ::posix_spawn_file_actions_t* get() const { return &actions_; }

private:
    ::posix_spawn_file_actions_t actions_{};
};

// A group of its own, so that what it starts can be ended too, and the signals as a shell leaves them.
class Attributes {
public:
    Attributes() {
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        );
        ::sigset_t none;
        ::sigemptyset(&none);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::sigset_t pipe = none;
        ::sigaddset(&pipe, SIGPIPE);
        ::posix_spawnattr_setsigdefault(&attributes_, &pipe);
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }

    const ::posix_spawnattr_t* get() const { return &attributes_; }

private:
    ::posix_spawnattr_t attributes_{};
};

std::vector<std::string> environment_of(const Program& program) {
    std::map<std::string, std::string> all;
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const std::size_t equals = std::min(text.find('='), text.size());
        all[std::string(text.substr(0, equals))] = text.substr(std::min(equals + 1, text.size()));
    }
    for (const auto& [name, value] : program.environment) all[name] = value;
    std::vector<std::string> entries;
    for (const auto& [name, value] : all) entries.push_back(name + "=" + value);
    return entries;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

class File {
public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    // In memory: unlike a pipe it needs no reader, and does not wait for what the program leaves
    // running behind it.
    static int make_in_memory() { return ::memfd_create("output", MFD_CLOEXEC); }

    [[nodiscard]] int get() const { return descriptor_; }

    Result<std::string> read(std::size_t bytes_max) const {
        struct ::stat info{};
        ::fstat(descriptor_, &info);
        const auto size = static_cast<std::size_t>(info.st_size);
        if (size > bytes_max) return fail(ErrorCode::resource_exhausted, "it says too much");
        std::string text(size, '\0');
        const ::ssize_t count = ::pread(descriptor_, text.data(), size, 0);
        text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return text;
    }

private:
    int descriptor_;
};

// Killed with its group unless it has ended.
class Child {
public:
    Child(::pid_t pid, Descriptor exit) : pid_(pid), exit_(std::move(exit)) {}
    Child(Child&& other) noexcept
        : pid_(std::exchange(other.pid_, 0)), exit_(std::move(other.exit_)) {}
    Child& operator=(Child&&) = delete;
    ~Child() {
        if (pid_ == 0) return;
        kill();
        ::waitpid(pid_, nullptr, WNOHANG);  // The loop waits for nobody.
    }

    void kill() const { ::kill(-pid_, SIGKILL); }

    // How it ended, for people; empty: with exit code 0.
    Task<Result<std::string>> wait() {
        error_code error;
        co_await exit_.async_wait(
            Descriptor::wait_read, asio::redirect_error(asio::use_awaitable, error)
        );
        if (error) co_return fail(ErrorCode::cancelled, "cancelled");
        ::siginfo_t how{};
        ::waitid(P_PIDFD, static_cast<::id_t>(exit_.native_handle()), &how, WEXITED);
        pid_ = 0;
        if (how.si_code != CLD_EXITED) {
            co_return fmt::format("it was ended by signal {}", how.si_status);
        }
        co_return how.si_status == 0 ? std::string()
                                     : fmt::format("it ended with exit code {}", how.si_status);
    }

private:
    ::pid_t pid_;      // 0: it has ended.
    Descriptor exit_;  // Its pidfd.
};

Result<Child> start(const Executor& executor, Program& program, int output, int errors) {
    FileActions actions;
    actions.open_null(STDIN_FILENO);
    actions.duplicate(output, STDOUT_FILENO);
    actions.duplicate(errors, STDERR_FILENO);
    const Attributes attributes;
    std::vector<std::string> environment = environment_of(program);
    ::pid_t pid = 0;
    const int code = ::posix_spawnp(
        &pid, program.argv.front().c_str(), actions.get(), attributes.get(),
        pointers_to(program.argv).data(), pointers_to(environment).data()
    );
    if (code != 0) return fail_with(code, program.argv.front());
    // glibc 2.36 declares it for C only.
    const int exit = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (exit < 0) {
        const int why = errno;
        ::kill(-pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return fail_with(why, "pidfd");
    }
    return Child(pid, Descriptor(executor, exit));
}

}  // namespace

Task<Result<Outcome>> run_program(Program program) {
    const File output(File::make_in_memory());
    const File errors(File::make_in_memory());
    if (output.get() < 0 || errors.get() < 0) co_return fail_with(errno, "memfd");
    auto child = start(co_await this_executor, program, output.get(), errors.get());
    if (!child) co_return fail(child.error());
    auto ended = co_await with_timeout(child->wait(), program.timeout, "it does not end");
    if (!ended && ended.error().code() == ErrorCode::deadline) {
        child->kill();
        [[maybe_unused]] const auto killed = co_await child->wait();
    }
    if (!ended) co_return fail(ended.error());
    auto said = output.read(program.output_bytes_max);
    auto complained = errors.read(program.output_bytes_max);
    if (!said) co_return fail(said.error());
    co_return Outcome{
        std::move(*said), std::move(complained).value_or(std::string()), std::move(*ended)
    };
}

}  // namespace farhold::kube
