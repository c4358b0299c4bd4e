// SPDX-License-Identifier: Apache-2.0
//
// Stands between edgecore and a container runtime, and does to single calls what a bad day does:
// refuses one, or lets it happen and keeps the answer for itself. Serves on a socket of its own, in a
// thread of its own. It tells of no events, so that edgecore has to look by itself.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/grpc/client.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace farhold::test {

enum class CallFault : std::uint8_t {
    none,
    refuse,       // Not carried out; answered with an error.
    fail_late,    // Carried out; answered with an error.
    lose_answer,  // Carried out; never answered.
};

class CriProxy {
public:
    // Both are paths of unix sockets.
    CriProxy(std::string runtime, std::string socket);
    CriProxy(const CriProxy&) = delete;
    CriProxy& operator=(const CriProxy&) = delete;
    ~CriProxy();

    const std::string& socket() const { return socket_; }

    // Happens to the next so many calls of the method, such as "RunPodSandbox".
    void inject(const std::string& method, CallFault fault, int times = 1);
    // How many of them have come to pass.
    int happened(const std::string& method) const;

private:
    struct Plan {
        CallFault fault = CallFault::none;
        int left = 0;
        int happened = 0;
    };

    void run();
    Task<> serve();
    Task<Result<std::string>> forward(
        grpc::Client& runtime, std::string service, std::string method, std::string request
    );
    CallFault take(const std::string& method);
    void count(const std::string& method);

    std::string runtime_;
    std::string socket_;
    mutable std::mutex mutex_;
    std::map<std::string, Plan> plans_;
    std::atomic<bool> serving_ = false;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

}  // namespace farhold::test
