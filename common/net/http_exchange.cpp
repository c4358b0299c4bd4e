// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_exchange.hpp"

#include "common/net/connection_stream.hpp"
#include "common/net/websocket_accept.hpp"

#include <array>
#include <utility>

namespace farhold::net {

namespace {

// A client may send its next request while a stream still runs, but not without end.
constexpr std::size_t kPipelinedBytesMax = 16 << 10;

}  // namespace

Exchange::Exchange(
    Executor executor, const HttpServerConfig& config, Session& session, HttpRequest request,
    bool keep_alive
)
    : AnsweringExchange(std::move(executor), std::move(request), keep_alive),
      config_(config),
      session_(session) {}

Task<Result<void>> Exchange::send(std::string bytes) {
    session_.connection->set_deadline(config_.write_timeout);
    auto written = co_await session_.connection->write(bytes);
    session_.connection->clear_deadline();
    co_return written;
}

bool Exchange::may_be_endless() {
    if (session_.is_stopping) {
        return false;
    }
    session_.is_disposable = true;
    return true;
}

Task<Result<std::unique_ptr<WebSocket>>> Exchange::accept_websocket(WebSocketOptions options) {
    if (!may_be_endless()) {
        co_return fail(ErrorCode::unavailable, "the server is stopping");
    }
    hand_over();
    session_.connection->unread(std::exchange(session_.unread, {}));
    session_.connection->set_deadline(config_.write_timeout);
    auto accepted = co_await net::accept_websocket(session_.connection, request(), options);
    session_.connection->clear_deadline();
    co_return accepted;
}

Task<Result<std::unique_ptr<ByteStream>>> Exchange::hijack() {
    hand_over();
    session_.is_disposable = true;
    session_.connection->unread(std::exchange(session_.unread, {}));
    co_return make_stream(session_.connection);
}

Task<> Exchange::watch_peer() {
    co_await stream_began();
    std::array<char, 512> buffer;
    while (session_.unread.size() < kPipelinedBytesMax) {
        const auto count = co_await session_.connection->read_some(buffer);
        if (!count || *count == 0) {
            co_return;
        }
        session_.unread.append(buffer.data(), *count);
    }
}

}  // namespace farhold::net
