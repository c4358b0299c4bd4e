// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_exchange.hpp"

#include "common/base/ensure.hpp"
#include "common/net/http_codec.hpp"
#include "common/net/websocket_accept.hpp"

#include <array>
#include <utility>

namespace farhold::net {

namespace {

// A client may send its next request while a stream still runs, but not without end.
constexpr std::size_t kPipelinedBytesMax = 16 << 10;

class HandedOverStream final : public ByteStream {
public:
    explicit HandedOverStream(std::shared_ptr<Connection> connection)
        : connection_(std::move(connection)) {}
    HandedOverStream(const HandedOverStream&) = delete;
    HandedOverStream& operator=(const HandedOverStream&) = delete;
    ~HandedOverStream() override { connection_->close_now(); }

    Task<Result<std::size_t>> read_some(std::span<char> into) override {
        co_return co_await connection_->read_some(into);
    }
    Task<Result<void>> write(std::string_view bytes) override {
        co_return co_await connection_->write(bytes);
    }
    void end_writing() override { connection_->shut_down_writing(); }
    void close_now() override { connection_->close_now(); }
    const PeerIdentity& peer() const override { return connection_->peer(); }

private:
    std::shared_ptr<Connection> connection_;
};

}  // namespace

Exchange::Exchange(
    Executor executor, const HttpServerConfig& config, Session& session, HttpRequest request,
    bool keep_alive
)
    : config_(config),
      session_(session),
      request_(std::move(request)),
      keep_alive_(keep_alive),
      stream_began_(std::move(executor)) {}

Task<Result<void>> Exchange::write(std::string bytes) {
    session_.connection->set_deadline(config_.write_timeout);
    auto written = co_await session_.connection->write(bytes);
    session_.connection->clear_deadline();
    co_return written;
}

Task<Result<void>> Exchange::respond(HttpResponse response) {
    ensure(state_ == State::unanswered, "a request is answered once");
    state_ = State::answered;
    keep_alive_ = keep_alive_ && !session_.is_stopping;
    std::string bytes = encode_head(
        response.status, response.headers, Framing::length, response.body.size(), keep_alive_
    );
    if (request_.method != "HEAD") {
        bytes += response.body;
    }
    auto written = co_await write(std::move(bytes));
    keep_alive_ = keep_alive_ && written.has_value();
    co_return written;
}

Task<Result<void>> Exchange::begin_stream(int status, HttpHeaders headers) {
    ensure(state_ == State::unanswered, "a request is answered once");
    if (session_.is_stopping) {
        co_return fail(ErrorCode::unavailable, "the server is stopping");
    }
    state_ = State::streaming;
    session_.is_disposable = true;
    stream_began_.set();
    co_return co_await write(encode_head(status, headers, Framing::chunked, 0, keep_alive_));
}

Task<Result<void>> Exchange::write_chunk(std::string_view bytes) {
    ensure(state_ == State::streaming, "a chunk belongs to a stream");
    if (bytes.empty()) {  // It would mean the end of the stream.
        co_return Result<void>();
    }
    co_return co_await write(encode_chunk(bytes));
}

Task<Result<void>> Exchange::end_stream() {
    ensure(state_ == State::streaming, "only a stream can be ended");
    auto written = co_await write(std::string(kLastChunk));
    if (written) {
        state_ = State::answered;
    }
    co_return written;
}

Task<Result<std::unique_ptr<WebSocket>>> Exchange::accept_websocket(WebSocketOptions options) {
    ensure(state_ == State::unanswered, "a request is answered once");
    if (session_.is_stopping) {
        co_return fail(ErrorCode::unavailable, "the server is stopping");
    }
    state_ = State::handed_over;
    session_.is_disposable = true;
    session_.connection->unread(std::exchange(session_.unread, {}));
    session_.connection->set_deadline(config_.write_timeout);
    auto accepted = co_await net::accept_websocket(session_.connection, request_, options);
    session_.connection->clear_deadline();
    co_return accepted;
}

Task<Result<std::unique_ptr<ByteStream>>> Exchange::hijack() {
    ensure(state_ == State::unanswered, "a request is answered once");
    state_ = State::handed_over;
    session_.is_disposable = true;
    session_.connection->unread(std::exchange(session_.unread, {}));
    co_return std::make_unique<HandedOverStream>(session_.connection);
}

Task<> Exchange::watch_peer() {
    co_await stream_began_.wait();
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
