// SPDX-License-Identifier: Apache-2.0
#include "false_hub.hpp"

#include "common/async/timeout.hpp"
#include "tests/support/rig/process.hpp"

#include <arpa/inet.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <list>
#include <system_error>
#include <utility>

namespace farhold::test {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

struct RawHub::Guest {
    int socket = -1;
    Steady::time_point came;
    std::size_t spoken = 0;  // Of the bytes that come each second.
    bool gone = false;
};

RawHub::RawHub(const NetworkNamespace& space, const std::string& address, RawBehaviour behaviour)
    : behaviour_(std::move(behaviour)) {
    space.inside([&] {
        ::sockaddr_in where{};
        where.sin_family = AF_INET;
        ::inet_pton(AF_INET, address.c_str(), &where.sin_addr);
        auto* const raw = reinterpret_cast<::sockaddr*>(&where);
        ::socklen_t size = sizeof where;
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 64) != 0 ||
            ::getsockname(listener_, raw, &size) != 0) {
            throw std::system_error(errno, std::generic_category(), "listen on " + address);
        }
        port_ = ntohs(where.sin_port);
    });
    thread_ = std::thread([this] { serve(); });
}

RawHub::~RawHub() {
    ended_ = true;
    thread_.join();
    ::close(listener_);
}

std::size_t RawHub::connections() const {
    const std::scoped_lock lock(mutex_);
    return connections_;
}

std::string RawHub::received() const {
    const std::scoped_lock lock(mutex_);
    return received_;
}

Duration RawHub::longest() const {
    const std::scoped_lock lock(mutex_);
    return longest_;
}

void RawHub::serve() {
    std::list<Guest> guests;
    while (!ended_) {
        ::pollfd ready{listener_, POLLIN, 0};
        ::poll(&ready, 1, 20);
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket >= 0) {
            guests.push_back({.socket = socket, .came = Steady::now()});
            const std::scoped_lock lock(mutex_);
            ++connections_;
            const std::string& text = behaviour_.at_once;
            ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
            guests.back().gone = behaviour_.close_at_once;
        }
        for (Guest& guest : guests) look_after(guest);
        std::erase_if(guests, [](const Guest& guest) {
            if (guest.gone) ::close(guest.socket);
            return guest.gone;
        });
    }
    for (const Guest& guest : guests) ::close(guest.socket);
}

void RawHub::look_after(Guest& guest) {
    const auto stayed = Steady::now() - guest.came;
    const auto due = static_cast<std::size_t>(stayed / 1s);
    if (guest.spoken < std::min(due, behaviour_.each_second.size())) {
        ::send(guest.socket, &behaviour_.each_second[guest.spoken++], 1, MSG_NOSIGNAL);
    }
    std::array<char, 4096> buffer{};
    const ssize_t count = ::recv(guest.socket, buffer.data(), buffer.size(), 0);
    const std::scoped_lock lock(mutex_);
    if (count > 0) {
        received_.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EAGAIN) {
        guest.gone = true;
        longest_ = std::max<Duration>(longest_, stayed);
    }
}

Task<> never() {
    co_await sleep_for(1h);
}

TlsHub::TlsHub(
    const NetworkNamespace& space, const std::string& address, net::TlsServerConfig tls,
    Handler handler
)
    : handler_(std::move(handler)),
      thread_([this, name = space.name(), address, tls = std::move(tls)] {
          run(name, address, tls);
      }) {
    wait_until("the false hub listens", 10s, [this] { return port_ != 0; });
}

TlsHub::~TlsHub() {
    ended_ = true;
    thread_.join();
}

void TlsHub::run(const std::string& space, const std::string& address, net::TlsServerConfig tls) {
    enter_network_namespace(space);
    boost::asio::io_context loop(1);
    boost::asio::co_spawn(loop, serve(address, std::move(tls)), boost::asio::detached);
    loop.run();
}

Task<> TlsHub::serve(std::string address, net::TlsServerConfig tls) {
    net::HttpServerConfig config;
    config.listen = {std::move(address), 0};
    config.tls = std::move(tls);
    config.on_tls_failure = [this](const std::string&, const Error&) { ++handshakes_failed_; };
    auto handler = [this](net::HttpExchange& exchange) {
        ++requests_;
        return handler_(exchange);
    };
    auto server = net::HttpServer::start(co_await this_executor, std::move(config), handler);
    port_ = server.value()->port();
    while (!ended_) co_await sleep_for(20ms);
    co_await (*server)->stop(0s);
}

}  // namespace farhold::test
