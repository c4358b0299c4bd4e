// SPDX-License-Identifier: Apache-2.0
#include "common/net/websocket_stream.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace farhold::net {

namespace {

class WebSocketStream final : public ByteStream {
public:
    explicit WebSocketStream(std::unique_ptr<WebSocket> socket) : socket_(std::move(socket)) {}

    Task<Result<std::size_t>> read_some(std::span<char> into) override {
        while (message_.size() == taken_) {
            auto message = co_await socket_->read();
            if (!message && message.error().code() == ErrorCode::unavailable) co_return 0UZ;
            if (!message) co_return fail(message.error());
            message_ = std::move(*message);
            taken_ = 0;
        }
        const std::size_t count = std::min(message_.size() - taken_, into.size());
        std::copy_n(message_.begin() + static_cast<std::ptrdiff_t>(taken_), count, into.begin());
        taken_ += count;
        co_return count;
    }
    Task<Result<void>> write(std::string_view bytes) override {
        co_return co_await socket_->write(std::string(bytes));
    }
    void end_writing() override { socket_->close_now(); }
    void close_now() override { socket_->close_now(); }
    const PeerIdentity& peer() const override { return socket_->peer(); }

private:
    std::unique_ptr<WebSocket> socket_;
    std::string message_;
    std::size_t taken_ = 0;  // Of the message.
};

}  // namespace

std::unique_ptr<ByteStream> stream_over(std::unique_ptr<WebSocket> socket) {
    return std::make_unique<WebSocketStream>(std::move(socket));
}

}  // namespace farhold::net
