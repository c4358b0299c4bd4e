// SPDX-License-Identifier: Apache-2.0
#include "common/net/resolve.hpp"

#include "common/async/timeout.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace farhold::net {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

// Shared by the one who asks and the thread that is stuck in getaddrinfo. When the asker has given
// up, the thread still ends some time, and with it this. It touches nothing else, no loop either:
// the loop may be gone by then.
class Lookup {
public:
    Lookup(std::string host, int done) : host_(std::move(host)), done_(done) {}
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;
    ~Lookup() { ::close(done_); }

    void run() {
        addrinfo hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* list = nullptr;
        const int code = ::getaddrinfo(host_.c_str(), nullptr, &hints, &list);
        {
            const std::scoped_lock lock(mutex_);
            if (code != 0) problem_ = ::gai_strerror(code);
            for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
                tcp::endpoint endpoint;
                endpoint.resize(at->ai_addrlen);
                std::memcpy(endpoint.data(), at->ai_addr, at->ai_addrlen);
                addresses_.push_back(endpoint.address());
            }
        }
        if (list != nullptr) ::freeaddrinfo(list);
        ::eventfd_write(done_, 1);
    }

    Result<std::vector<tcp::endpoint>> take(std::uint16_t port) {
        const std::scoped_lock lock(mutex_);
        if (addresses_.empty()) {
            const std::string why = problem_.empty() ? "no address" : problem_;
            return fail(ErrorCode::unavailable, "resolve " + host_ + ": " + why);
        }
        std::vector<tcp::endpoint> endpoints;
        for (const auto& address : addresses_) endpoints.emplace_back(address, port);
        return endpoints;
    }

private:
    const std::string host_;
    const int done_;  // An eventfd; the asker has a descriptor of its own for it.
    std::mutex mutex_;
    std::string problem_;
    std::vector<asio::ip::address> addresses_;
};

Task<Result<std::vector<tcp::endpoint>>> look_up(Endpoint endpoint) {
    const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const int same = event < 0 ? -1 : ::fcntl(event, F_DUPFD_CLOEXEC, 0);
    if (same < 0) {
        const int code = errno;
        if (event >= 0) ::close(event);
        co_return fail(
            ErrorCode::resource_exhausted,
            "resolve " + endpoint.host + ": " + std::generic_category().message(code)
        );
    }
    asio::posix::stream_descriptor done(co_await this_executor, same);
    const auto lookup = std::make_shared<Lookup>(endpoint.host, event);
    try {
        std::thread([lookup] { lookup->run(); }).detach();
    } catch (const std::system_error& failure) {
        co_return fail(
            ErrorCode::resource_exhausted, "resolve " + endpoint.host + ": " + failure.what()
        );
    }
    error_code error;
    co_await done.async_wait(
        asio::posix::stream_descriptor::wait_read, asio::redirect_error(asio::use_awaitable, error)
    );
    if (error) {
        co_return fail(ErrorCode::cancelled, "cancelled");
    }
    co_return lookup->take(endpoint.port);
}

}  // namespace

Task<Result<std::vector<tcp::endpoint>>> resolve(Endpoint endpoint, Duration limit) {
    error_code error;
    const auto address = asio::ip::make_address(endpoint.host, error);
    if (!error) {
        co_return std::vector<tcp::endpoint>{tcp::endpoint(address, endpoint.port)};
    }
    std::string what = "resolve " + endpoint.host + ": no answer";
    co_return co_await with_timeout(look_up(std::move(endpoint)), limit, std::move(what));
}

}  // namespace farhold::net
