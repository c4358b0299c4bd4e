// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_stream_server.hpp"

#include "common/async/timeout.hpp"
#include "common/net/http_answer.hpp"
#include "common/net/http_codec.hpp"
#include "common/net/resumed_stream.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>

namespace farhold::net {

namespace {

constexpr std::size_t kReadBytes = 8 << 10;
// How long the peer may take for an answer that is on its way, before the stream is closed under it.
constexpr Duration kLingerTime = std::chrono::seconds(30);
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// Also the owner of the stream, until a handler takes it.
class StreamExchange final : public AnsweringExchange {
public:
    StreamExchange(
        Executor executor, std::unique_ptr<ByteStream> stream, HttpRequest request,
        std::string unread
    )
        : AnsweringExchange(std::move(executor), std::move(request), false),
          peer_(stream->peer()),
          stream_(std::move(stream)),
          unread_(std::move(unread)) {}

    const PeerIdentity& peer() const override { return peer_; }

    Task<Result<std::unique_ptr<WebSocket>>> accept_websocket(WebSocketOptions) override {
        hand_over();
        co_return fail(ErrorCode::unsupported, "no WebSocket is accepted on this stream");
    }

    Task<Result<std::unique_ptr<ByteStream>>> hijack() override {
        hand_over();
        co_return std::make_unique<ResumedStream>(std::move(stream_), std::move(unread_));
    }

    // Ends when the peer goes away during a chunked answer; before one it waits.
    Task<> watch_peer() {
        co_await stream_began();
        std::array<char, 512> buffer;  // Nothing more is expected of it.
        for (;;) {
            const auto count = co_await stream_->read_some(buffer);
            if (!count || *count == 0) {
                co_return;
            }
        }
    }

    // The stream, if it is still ours.
    std::unique_ptr<ByteStream> take_stream() { return std::move(stream_); }

private:
    Task<Result<void>> send(std::string bytes) override {
        co_return co_await stream_->write(bytes);
    }

    PeerIdentity peer_;
    std::unique_ptr<ByteStream> stream_;
    std::string unread_;
};

// A refusal with status 0: the peer is gone, and there is nobody to tell.
Task<std::expected<std::string, Refusal>> read_request(ByteStream& stream, RequestReader& reader) {
    std::string unread;
    std::array<char, kReadBytes> buffer;
    bool has_head = false;
    for (;;) {
        const auto progress = reader.advance(unread);
        if (!progress) {
            co_return std::unexpected(progress.error());
        }
        if (*progress == Progress::done) {
            co_return std::move(unread);
        }
        if (*progress == Progress::body && !std::exchange(has_head, true) &&
            reader.expects_continue()) {
            co_await stream.write(kContinue);  // A failure shows at the next read.
        }
        const auto count = co_await stream.read_some(buffer);
        if (!count || *count == 0) {
            co_return std::unexpected(Refusal{0, {}});
        }
        unread.append(buffer.data(), *count);
    }
}

Task<> read_within(
    ByteStream& stream, RequestReader& reader, std::expected<std::string, Refusal>& result
) {
    result = co_await read_request(stream, reader);
}

Task<> drain(ByteStream& stream) {
    std::array<char, kReadBytes> buffer;
    for (;;) {
        const auto count = co_await stream.read_some(buffer);
        if (!count || *count == 0) {
            co_return;
        }
    }
}

// Closing the stream at once might overtake the answer.
Task<> linger(ByteStream& stream) {
    stream.end_writing();
    co_await race(drain(stream), sleep_for(kLingerTime));
}

Task<> refuse(ByteStream& stream, Refusal refusal) {
    const auto response = text_response(refusal.status, refusal.text + "\n");
    const std::string bytes =
        encode_head(
            response.status, response.headers, Framing::length, response.body.size(), false
        ) +
        response.body;
    if (const auto written = co_await stream.write(bytes); written) {
        co_await linger(stream);
    }
}

}  // namespace

Task<> serve_http(
    std::unique_ptr<ByteStream> stream, HttpStreamLimits limits, const HttpHandler& handler
) {
    RequestReader reader(limits.header_bytes_max, limits.body_bytes_max);
    std::expected<std::string, Refusal> unread =
        std::unexpected(Refusal{408, "the request did not come in time"});
    co_await race(read_within(*stream, reader, unread), sleep_for(limits.request_timeout));
    if (!unread) {
        if (unread.error().status != 0) {
            co_await refuse(*stream, unread.error());
        }
        co_return;
    }
    StreamExchange exchange(
        co_await this_executor, std::move(stream), reader.take(), std::move(*unread)
    );
    const First first = co_await race(handler(exchange), exchange.watch_peer());
    if (first == First::left && !exchange.is_answered()) {
        co_await exchange.respond(text_response(500, "the request was not answered\n"));
    }
    const auto rest = exchange.take_stream();
    if (first == First::left && rest != nullptr) {
        co_await linger(*rest);
    }
}

}  // namespace farhold::net
