// SPDX-License-Identifier: Apache-2.0
#include "tests/support/link_emulator/network_namespace.hpp"

#include "tests/support/rig/process.hpp"
#include "tests/support/skip.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

namespace farhold::test {

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
    name_ = "fht" + std::to_string(::getpid()) + purpose + std::to_string(made++);
    need_root_and({"ip", "nsenter", "sysctl"});
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
