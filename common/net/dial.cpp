// SPDX-License-Identifier: Apache-2.0
#include "common/net/dial.hpp"

#include "common/async/timeout.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <vector>

namespace farhold::net {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

// One address that swallows packets must not use up the time of the others.
constexpr Duration kAddressTimeout = std::chrono::seconds(5);

Task<Result<std::vector<tcp::endpoint>>> resolve(Endpoint endpoint) {
    std::vector<tcp::endpoint> found;
    error_code error;
    const auto address = asio::ip::make_address(endpoint.host, error);
    if (!error) {
        found.emplace_back(address, endpoint.port);
        co_return found;
    }
    // getaddrinfo blocks, so the resolver has a thread of its own.
    tcp::resolver resolver(co_await this_executor);
    const std::string port = std::to_string(endpoint.port);
    const auto results = co_await resolver.async_resolve(
        endpoint.host, port, asio::redirect_error(asio::use_awaitable, error)
    );
    if (error == asio::error::operation_aborted) {
        co_return fail(ErrorCode::cancelled, "cancelled");
    }
    if (error) {
        co_return fail(ErrorCode::unavailable, "resolve " + endpoint.host + ": " + error.message());
    }
    for (const auto& result : results) {
        found.push_back(result.endpoint());
    }
    co_return found;
}

Task<Result<std::shared_ptr<Connection>>> connect(tcp::endpoint address) {
    tcp::socket socket(co_await this_executor);
    error_code error;
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

}  // namespace

Task<Result<std::shared_ptr<Connection>>> dial(
    Endpoint endpoint, std::shared_ptr<const TlsContext> tls
) {
    const auto addresses = co_await resolve(endpoint);
    if (!addresses) {
        co_return fail(addresses.error());
    }
    Result<std::shared_ptr<Connection>> connected =
        fail(ErrorCode::unavailable, "resolve " + endpoint.host + ": no address");
    for (const auto& address : *addresses) {
        connected = co_await with_timeout(connect(address), kAddressTimeout);
        if (connected || connected.error().code() == ErrorCode::cancelled) {
            break;
        }
    }
    if (!connected || !tls) {
        co_return connected;
    }
    const auto secured = co_await (*connected)->start_tls(std::move(tls));
    if (!secured) {
        co_return fail(secured.error());
    }
    co_return connected;
}

}  // namespace farhold::net
