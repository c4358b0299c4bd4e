// SPDX-License-Identifier: Apache-2.0
#include "tests/support/rig/process.hpp"

#include "tests/support/skip.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

extern char** environ;

namespace farhold::test {

namespace {

constexpr std::array<const char*, 6> kFolders = {
    "/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"
};

[[noreturn]] void fail_with(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

std::string path_of(const std::string& name) {
    if (name.contains('/')) return name;
    for (const char* folder : kFolders) {
        if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
    }
    return {};
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const std::string name(text.substr(0, text.find('=')));
        if (name != "PATH" && !added.contains(name)) all.emplace_back(text);
    }
    all.emplace_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    for (const auto& [name, value] : added) all.push_back(name + "=" + value);
    return all;
}

// Everything is made ready before the fork: after it only system calls are allowed.
::pid_t spawn(
    std::vector<std::string> argv, const std::map<std::string, std::string>& environment, int input,
    int output
) {
    const std::string path = path_of(argv.front());
    if (path.empty()) throw std::runtime_error(argv.front() + " is not installed");
    const auto arguments = pointers_to(argv);
    auto variables = environment_with(environment);
    const auto entries = pointers_to(variables);
    const ::pid_t parent = ::getpid();
    const ::pid_t pid = ::fork();
    if (pid < 0) fail_with("fork");
    if (pid > 0) return pid;
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::execve(path.c_str(), arguments.data(), entries.data());
    ::_exit(127);
}

int exit_code_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {
        if (number < 0) fail_with("open");
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { ::close(number_); }
    int get() const { return number_; }

private:
    int number_;
};

std::string content_of(int file) {
    std::string content;
    std::array<char, 4096> part{};
    ::lseek(file, 0, SEEK_SET);
    for (::ssize_t size = 1; size > 0;) {
        size = ::read(file, part.data(), part.size());
        if (size > 0) content.append(part.data(), static_cast<std::size_t>(size));
    }
    return content;
}

}  // namespace

Process::Process(const ProcessOptions& options) {
    const Descriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const Descriptor output(
        ::open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
    );
    std::vector<std::string> argv = options.wrapper;
    argv.insert(argv.end(), options.argv.begin(), options.argv.end());
    pid_ = spawn(
        in_network_namespace(options.network_namespace, std::move(argv)), options.environment,
        input.get(), output.get()
    );
}

Process::~Process() {
    ::kill(-pid_, SIGKILL);
    kill();
}

std::optional<int> Process::exit_code() {
    int status = 0;
    if (!exit_code_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
        exit_code_ = exit_code_of(status);
    }
    return exit_code_;
}

bool Process::alive() {
    return !exit_code();
}

void Process::signal(int number) {
    // Once it is reaped, its number may be another's.
    if (alive()) ::kill(pid_, number);
}

std::optional<int> Process::wait_for(Duration limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!exit_code() && std::chrono::steady_clock::now() < end) pause_briefly(5);
    return exit_code();
}

void Process::kill() {
    signal(SIGKILL);
    while (!exit_code()) pause_briefly(2);
}

Outcome run_to_end(const std::vector<std::string>& argv, const std::string& input) {
    const Descriptor in(::memfd_create("input", MFD_CLOEXEC));
    const Descriptor out(::memfd_create("output", MFD_CLOEXEC));
    if (::write(in.get(), input.data(), input.size()) != static_cast<::ssize_t>(input.size())) {
        fail_with("write");
    }
    ::lseek(in.get(), 0, SEEK_SET);
    const ::pid_t pid = spawn(argv, {}, in.get(), out.get());
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return {exit_code_of(status), content_of(out.get())};
}

std::string run(const std::vector<std::string>& argv, const std::string& input) {
    Outcome outcome = run_to_end(argv, input);
    if (outcome.exit_code != 0) {
        std::string command;
        for (const std::string& word : argv) command += word + " ";
        throw std::runtime_error(
            command + "ended with " + std::to_string(outcome.exit_code) + ": " + outcome.output
        );
    }
    return std::move(outcome.output);
}

// Not by `ip netns exec`, which gives the program mounts of its own: the volumes that edgecore mounts
// would not be seen by the container runtime.
std::vector<std::string> in_network_namespace(
    const std::string& name, std::vector<std::string> argv
) {
    if (!name.empty()) {
        const std::vector<std::string> words{"nsenter", "--net=/run/netns/" + name, "--"};
        argv.insert(argv.begin(), words.begin(), words.end());
    }
    return argv;
}

std::string program(const std::string& name) {
    const char* folder = std::getenv("FARHOLD_BIN_DIR");
    if (folder == nullptr) throw std::runtime_error("FARHOLD_BIN_DIR is not set");
    return std::string(folder) + "/" + name;
}

void need_root_and(const std::vector<std::string>& programs) {
    if (::geteuid() != 0) skip_tests("faults need root");
    for (const std::string& name : programs) {
        if (path_of(name).empty()) skip_tests(name + " is not installed");
    }
}

std::size_t fault_rounds(std::size_t few, std::size_t many) {
    const char* text = std::getenv("FARHOLD_FAULT_ROUNDS");
    if (text == nullptr || *text == '\0') return few;
    const std::string_view rounds(text);
    if (rounds == "all") return many;
    std::size_t number = 0;
    const auto parsed = std::from_chars(rounds.data(), rounds.data() + rounds.size(), number);
    if (parsed.ec != std::errc() || number == 0) {
        throw std::runtime_error("FARHOLD_FAULT_ROUNDS is neither a number nor all");
    }
    return number;
}

std::vector<std::uint64_t> spread(std::uint64_t last, std::size_t count) {
    std::vector<std::uint64_t> numbers;
    if (last <= count) {
        for (std::uint64_t number = 1; number <= last; ++number) numbers.push_back(number);
        return numbers;
    }
    for (std::size_t index = 0; index < count; ++index) {
        numbers.push_back(count == 1 ? 1 : 1 + index * (last - 1) / (count - 1));
    }
    return numbers;
}

}  // namespace farhold::test
