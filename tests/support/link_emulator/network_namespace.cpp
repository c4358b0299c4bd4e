// SPDX-License-Identifier: Apache-2.0
#include "tests/support/link_emulator/network_namespace.hpp"

#include "tests/support/rig/process.hpp"
#include "tests/support/skip.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace farhold::test {

namespace {

// Names are fht<PID><purpose><number>; what a killed test has left goes with the next one.
constexpr std::string_view kPrefix = "fht";

void remove_those_of_the_dead() {
    std::error_code none;  // No folder: no namespace was ever made.
    for (const auto& entry : std::filesystem::directory_iterator("/run/netns", none)) {
        const std::string name = entry.path().filename().string();
        int pid = 0;
        if (name.starts_with(kPrefix)) {
            std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), pid);
        }
        if (pid != 0 && ::kill(pid, 0) != 0 && errno == ESRCH) {
            test::run_to_end({"ip", "netns", "delete", name});
        }
    }
}

}  // namespace

void enter_network_namespace(const std::string& name) {
    const std::string path = "/run/netns/" + name;
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const bool entered = descriptor >= 0 && ::setns(descriptor, CLONE_NEWNET) == 0;
    const int code = errno;
    if (descriptor >= 0) {
        ::close(descriptor);
    }
    if (!entered) {
        throw std::system_error(code, std::generic_category(), "enter " + path);
    }
}

NetworkNamespace::NetworkNamespace(const std::string& purpose) {
    static std::atomic<int> made{0};
    name_ = std::string(kPrefix) + std::to_string(::getpid()) + purpose + std::to_string(made++);
    need_root_and({"ip", "nsenter", "sysctl"});
    remove_those_of_the_dead();
    if (::access("/dev/net/tun", R_OK | W_OK) != 0) {
        skip_tests("there is no /dev/net/tun");
    }
    test::run({"ip", "netns", "add", name_});
    ip({"link", "set", "lo", "up"});
}

NetworkNamespace::~NetworkNamespace() {
    try {
        test::run({"ip", "netns", "delete", name_});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "network namespace: %s\n", error.what());
    }
}

void NetworkNamespace::ip(std::vector<std::string> words) const {
    words.insert(words.begin(), {"ip", "-n", name_});
    test::run(std::move(words));
}

std::string NetworkNamespace::run(std::vector<std::string> words) const {
    return test::run(in_network_namespace(name_, std::move(words)));
}

void NetworkNamespace::inside(const std::function<void()>& body) const {
    std::exception_ptr failure;
    std::thread thread([&] {
        try {
            enter_network_namespace(name_);
            body();
        } catch (...) {
            failure = std::current_exception();
        }
    });
    thread.join();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace farhold::test
