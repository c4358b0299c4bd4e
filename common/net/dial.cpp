// SPDX-License-Identifier: Apache-2.0
#include "common/net/dial.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/async/timeout.hpp"
#include "common/net/resolve.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <utility>
#include <vector>

namespace farhold::net {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

Task<Result<std::shared_ptr<Connection>>> connect(tcp::endpoint address, std::size_t segment_max) {
    tcp::socket socket(co_await this_executor);
    error_code error;
    if (segment_max != 0) {
        socket.open(address.protocol(), error);
        const int value = static_cast<int>(segment_max);
        ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_MAXSEG, &value, sizeof value);
    }
    co_await socket.async_connect(address, asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted) {
        co_return fail(ErrorCode::cancelled, "cancelled");
    }
    if (error) {
        co_return fail(
            ErrorCode::unavailable,
            "connect to " + address.address().to_string() + ": " + error.message()
        );
    }
    co_return std::make_shared<Connection>(std::move(socket));
}

// RFC 8305, 8: Connection Attempt Delay.
constexpr Duration kHeadStart = std::chrono::milliseconds(250);

struct Attempts {
    explicit Attempts(Executor executor) : changed(std::move(executor)) {}

    Result<std::shared_ptr<Connection>> result = fail(ErrorCode::unavailable, "no address");
    std::size_t running = 0;
    Event changed;
};

Task<> attempt(tcp::endpoint address, const DialOptions& options, Attempts& all) {
    auto connected = co_await with_timeout(
        connect(address, options.segment_bytes_max), options.connect_timeout,
        "connect to " + address.address().to_string() + ": no answer"
    );
    --all.running;
    if (!all.result) all.result = std::move(connected);
    all.changed.set();
}

Task<> attempt_all(
    TaskGroup& group, const std::vector<tcp::endpoint>& addresses, const DialOptions& options,
    Attempts& all
) {
    for (const tcp::endpoint& address : addresses) {
        ++all.running;
        group.spawn(attempt(address, options, all));
        co_await all.changed.wait_for(kHeadStart);
        if (all.result) co_return;
    }
    while (!all.result && all.running > 0) co_await all.changed.wait();
}

Task<Result<std::vector<tcp::endpoint>>> find_addresses(
    const Endpoint& endpoint, const DialOptions& options
) {
    auto found = co_await resolve(endpoint, options.name_timeout);
    if (found || found.error().code() == ErrorCode::cancelled) {
        co_return found;
    }
    error_code error;
    const auto known = asio::ip::make_address(options.known_address, error);
    if (error) {
        co_return found;
    }
    co_return std::vector<tcp::endpoint>{tcp::endpoint(known, endpoint.port)};
}

}  // namespace

Task<Result<std::shared_ptr<Connection>>> connect_first(
    std::vector<tcp::endpoint> addresses, DialOptions options
) {
    Attempts all(co_await this_executor);
    const std::function<Task<>(TaskGroup&)> body = [&](TaskGroup& group) {
        return attempt_all(group, addresses, options, all);
    };
    co_await run_with_group(body);
    co_return std::move(all.result);
}

Task<Result<std::shared_ptr<Connection>>> dial(
    Endpoint endpoint, std::shared_ptr<const TlsContext> tls, DialOptions options
) {
    const auto enter = [&options](DialPhase phase) {
        if (options.on_phase) options.on_phase(phase);
    };
    enter(DialPhase::name);
    const auto addresses = co_await find_addresses(endpoint, options);
    if (!addresses) {
        co_return fail(addresses.error());
    }
    enter(DialPhase::connect);
    const auto connected = co_await connect_first(*addresses, options);
    if (!connected || !tls) {
        co_return connected;
    }
    enter(DialPhase::tls);
    const auto secured = co_await with_timeout(
        (*connected)->start_tls(std::move(tls)), options.tls_timeout, "TLS: no answer in time"
    );
    if (!secured) {
        co_return fail(secured.error());
    }
    co_return connected;
}

}  // namespace farhold::net
