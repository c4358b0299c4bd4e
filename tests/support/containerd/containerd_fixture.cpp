// SPDX-License-Identifier: Apache-2.0
#include "tests/support/containerd/containerd_fixture.hpp"

#include "common/async/event.hpp"
#include "common/grpc/client.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/skip.hpp"

#include <proto/cri/v1/runtime.pb.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace farhold::test {

namespace {

namespace cri = ::runtime::v1;
namespace fs = std::filesystem;

constexpr auto kRuntimeService = "/runtime.v1.RuntimeService/";
// A file for each fixture that is alive, named by its process, with its folder.
constexpr std::string_view kRegistry = "/run/farhold-test-containerd/";
constexpr auto kSearchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool is_installed(const std::string& program) {
    return std::ranges::any_of(
        std::array{"/usr/local/bin/", "/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"},
        [&](const char* folder) { return ::access((folder + program).c_str(), X_OK) == 0; }
    );
}

// Standard output and errors go to the file.
::pid_t spawn(std::vector<std::string> words, const std::string& output, short flags) {
    std::vector<char*> arguments;
    for (auto& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    std::string path = kSearchPath;
    const std::array<char*, 2> environment{path.data(), nullptr};
    ::posix_spawn_file_actions_t actions;
    ::posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(
        &actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600
    );
    ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    ::posix_spawnattr_setflags(&attributes, flags);
    ::pid_t pid = 0;
    const int code = ::posix_spawnp(
        &pid, words.front().c_str(), &actions, &attributes, arguments.data(), environment.data()
    );
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (code != 0) {
        throw std::system_error(code, std::generic_category(), words.front());
    }
    return pid;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

struct Outcome {
    bool succeeded = false;
    std::string output;
};

Outcome run(std::vector<std::string> words) {
    const TempDir folder;
    const auto output = folder.file("output");
    const ::pid_t pid = spawn(std::move(words), output, 0);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return {WIFEXITED(status) && WEXITSTATUS(status) == 0, read_file(output)};
}

std::string run_or_throw(const std::vector<std::string>& words) {
    auto outcome = run(words);
    if (!outcome.succeeded) {
        throw std::runtime_error(words.front() + ": " + outcome.output);
    }
    return std::move(outcome.output);
}

// Tries again until it is true; answers whether it became so.
template <class Condition>
Task<bool> eventually(Condition condition) {
    constexpr auto kPatience = std::chrono::seconds(20);
    constexpr auto kLook = std::chrono::milliseconds(10);
    const auto end = std::chrono::steady_clock::now() + kPatience;
    Event pause(co_await this_executor);
    for (;;) {
        if (co_await condition()) {
            co_return true;
        }
        if (std::chrono::steady_clock::now() > end) {
            co_return false;
        }
        co_await pause.wait_for(kLook);
    }
}

template <class Condition>
bool becomes_true(Condition condition) {
    bool became = false;
    run_task([&]() -> Task<> {
        auto attempt = [&]() -> Task<bool> { co_return condition(); };
        became = co_await eventually(attempt);
    });
    return became;
}

template <class Request>
Task<Result<std::string>> ask(grpc::Client& client, std::string method, const Request& request) {
    grpc::CallOptions options;
    options.deadline = std::chrono::seconds(30);
    co_return co_await client.call(kRuntimeService + method, request.SerializeAsString(), options);
}

// Runs the body with a client of the containerd at the socket.
template <class Body>
void with_client(const std::string& socket, Body body) {
    run_task([&]() -> Task<> {
        grpc::ClientOptions options;
        options.connect = grpc::unix_socket(socket);
        grpc::Client client(co_await this_executor, std::move(options));
        co_await body(client);
        co_await client.close(Duration::zero());
    });
}

std::optional<::pid_t> to_pid(const std::string& text) {
    ::pid_t pid = 0;
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, pid);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
        return std::nullopt;
    }
    return pid;
}

// Processes in whose file of that name below /proc/PID the text stands.
std::vector<::pid_t> processes_with(const std::string& file, const std::string& text) {
    std::vector<::pid_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const auto pid = to_pid(entry.path().filename().string());
        if (pid && *pid != ::getpid() &&
            read_file(entry.path().string() + "/" + file).find(text) != std::string::npos) {
            found.push_back(*pid);
        }
    }
    return found;
}

// A zombie of somebody else counts as gone.
bool is_running(::pid_t pid) {
    const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    const auto state = stat.rfind(") ");
    return state != std::string::npos && stat[state + 2] != 'Z';
}

void end_process(::pid_t pid, int signal) {
    ::kill(pid, signal);
    const bool ended = becomes_true([pid] {
        ::waitpid(pid, nullptr, WNOHANG);
        return !is_running(pid);
    });
    if (!ended) {
        ::kill(pid, SIGKILL);
    }
}

}  // namespace

ContainerdFixture::ContainerdFixture()
    : socket_(folder_.file("containerd.sock")), bridge_("fht" + std::to_string(::getpid())) {
    if (::geteuid() != 0) {
        skip_tests("containerd needs root");
    }
    for (const auto* program : {"containerd", "ctr", "runc", "python3", "busybox"}) {
        if (!is_installed(program)) {
            skip_tests(std::string(program) + " is not installed");
        }
    }
    remove_the_dead();
    std::ofstream(registration()) << folder();
    write_config();
    start();
    import_images();
}

ContainerdFixture::~ContainerdFixture() {
    try {
        if (pid_ == 0) {
            start();
        }
        signal(SIGCONT);
        remove_pods();
        end_process(pid_, SIGTERM);
        run_or_throw({"tools/containerd_down", folder()});
        fs::remove(registration());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "containerd fixture: %s\n", error.what());
    }
}

void ContainerdFixture::write_config() {
    // Of its own as well, so that tests may run side by side.
    const auto number = static_cast<unsigned>(::getpid());
    const auto subnet = "10." + std::to_string(100 + number / 256 % 100) + "." +
                        std::to_string(number % 256) + ".0/24";
    run_or_throw({"tools/containerd_config", folder(), "--bridge", bridge_, "--subnet", subnet});
}

void ContainerdFixture::import_images() {
    run_or_throw({"tools/make_oci_image", "pause", "busybox", "--import", socket_});
}

void ContainerdFixture::start() {
    pid_ = spawn(
        {"containerd", "--config", folder_.file("config.toml")}, folder_.file("containerd.log"),
        POSIX_SPAWN_SETSID
    );
    bool answers = false;
    with_client(socket_, [&](grpc::Client& client) -> Task<> {
        const cri::StatusRequest request;
        auto attempt = [&]() -> Task<bool> {
            const auto status = co_await ask(client, "Status", request);
            co_return status.has_value();
        };
        answers = co_await eventually(attempt);
    });
    if (!answers) {
        throw std::runtime_error(
            "containerd does not answer: " + read_file(folder_.file("containerd.log"))
        );
    }
}

void ContainerdFixture::kill() {
    end_process(pid_, SIGKILL);
    pid_ = 0;
}

void ContainerdFixture::signal(int number) const {
    ::kill(pid_, number);
}

void ContainerdFixture::cut_power() {
    // TASK, PID, STATUS; the first line is the heading.
    std::istringstream lines(ctr({"tasks", "ls"}));
    std::string task;
    std::string pid;
    std::string status;
    std::vector<::pid_t> processes;
    while (lines >> task >> pid >> status) {
        if (const auto number = to_pid(pid); number && *number > 0) {
            processes.push_back(*number);
        }
    }
    kill();
    kill_leftovers();
    for (const auto process : processes) {
        end_process(process, SIGKILL);
    }
    unmount_leftovers();
    fs::remove_all(folder_.file("state"));
}

std::string ContainerdFixture::ctr(const std::vector<std::string>& arguments) {
    std::vector<std::string> words{"ctr", "--address", socket_, "-n", "k8s.io"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run_or_throw(words);
}

void ContainerdFixture::remove_pods() {
    with_client(socket_, [](grpc::Client& client) -> Task<> {
        const cri::ListPodSandboxRequest everything;
        const auto answer = co_await ask(client, "ListPodSandbox", everything);
        cri::ListPodSandboxResponse pods;
        if (!answer || !pods.ParseFromString(*answer)) {
            co_return;
        }
        for (const auto& pod : pods.items()) {
            cri::StopPodSandboxRequest stop;
            stop.set_pod_sandbox_id(pod.id());
            co_await ask(client, "StopPodSandbox", stop);
            cri::RemovePodSandboxRequest removal;
            removal.set_pod_sandbox_id(pod.id());
            co_await ask(client, "RemovePodSandbox", removal);
        }
    });
}

void ContainerdFixture::kill_leftovers() {
    // Shims name their containerd's socket.
    for (const auto pid : processes_with("cmdline", socket_)) {
        end_process(pid, SIGKILL);
    }
    // A container that was just being made is in its cgroup, and no task yet.
    for (const auto pid : processes_with("cgroup", "/" + bridge_ + "/")) {
        end_process(pid, SIGKILL);
    }
}

void ContainerdFixture::unmount_leftovers() {
    std::ifstream mounts("/proc/self/mountinfo");
    std::vector<std::string> targets;
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream words(line);
        std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
        if (fields.size() > 4 && fields[4].starts_with(folder() + "/")) {
            targets.push_back(fields[4]);
        }
    }
    // The deepest first.
    std::ranges::sort(targets, std::greater<>());
    for (const auto& target : targets) {
        ::umount2(target.c_str(), MNT_DETACH);
    }
}

std::string ContainerdFixture::registration() {
    return std::string(kRegistry) + std::to_string(::getpid());
}

void ContainerdFixture::remove_the_dead() {
    fs::create_directories(kRegistry);
    for (const auto& entry : fs::directory_iterator(kRegistry)) {
        const auto pid = to_pid(entry.path().filename().string());
        if (!pid || is_running(*pid)) {
            continue;
        }
        const auto left = read_file(entry.path().string());
        // Not through a mount that could not be undone.
        if (left.empty() || !run({"tools/containerd_down", left}).succeeded) {
            continue;
        }
        std::error_code ignored;
        fs::remove_all(left, ignored);
        fs::remove(entry.path(), ignored);
    }
}

}  // namespace farhold::test
