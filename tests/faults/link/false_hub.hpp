// SPDX-License-Identifier: Apache-2.0
//
// Servers in place of a hub that are not what a machine expects, in a network namespace: one that
// speaks bytes, and one that speaks TLS and then misbehaves. Each has a thread of its own.
#pragma once

#include "common/async/event.hpp"
#include "common/net/http_server.hpp"
#include "tests/support/link_emulator/network_namespace.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace farhold::test {

// What a raw server does when a connection has come, and each second after it.
struct RawBehaviour {
    std::string at_once;
    std::string each_second;  // Its next byte, as long as there is one.
    bool close_at_once = false;
};

class RawHub {
public:
    RawHub(const NetworkNamespace& space, const std::string& address, RawBehaviour behaviour);
    RawHub(const RawHub&) = delete;
    RawHub& operator=(const RawHub&) = delete;
    ~RawHub();

    std::uint16_t port() const { return port_; }
    std::size_t connections() const;
    // Everything that was sent to it.
    std::string received() const;
    // The longest that a connection was held by the other side, of those that have ended.
    Duration longest() const;

private:
    struct Guest;

    void serve();
    void look_after(Guest& guest);

    RawBehaviour behaviour_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> ended_ = false;
    mutable std::mutex mutex_;
    std::size_t connections_ = 0;
    std::string received_;
    Duration longest_{};
    std::thread thread_;
};

class TlsHub {
public:
    // The handler may wait with never().
    using Handler = std::function<Task<>(net::HttpExchange&)>;

    TlsHub(
        const NetworkNamespace& space, const std::string& address, net::TlsServerConfig tls,
        Handler handler
    );
    TlsHub(const TlsHub&) = delete;
    TlsHub& operator=(const TlsHub&) = delete;
    ~TlsHub();

    std::uint16_t port() const { return port_; }
    int handshakes_failed() const { return handshakes_failed_; }
    int requests() const { return requests_; }

private:
    void run(const std::string& space, const std::string& address, net::TlsServerConfig tls);
    Task<> serve(std::string address, net::TlsServerConfig tls);

    Handler handler_;
    std::atomic<std::uint16_t> port_ = 0;
    std::atomic<int> handshakes_failed_ = 0;
    std::atomic<int> requests_ = 0;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

// For a handler that has nothing more to say.
Task<> never();

}  // namespace farhold::test
