// SPDX-License-Identifier: Apache-2.0
#include "common/net/connection_stream.hpp"

#include "common/net/dial.hpp"
#include "common/net/stream_client.hpp"

#include <utility>

namespace farhold::net {

namespace {

class ConnectionStream final : public ByteStream {
public:
    explicit ConnectionStream(std::shared_ptr<Connection> connection)
        : connection_(std::move(connection)) {}
    ConnectionStream(const ConnectionStream&) = delete;
    ConnectionStream& operator=(const ConnectionStream&) = delete;
    ~ConnectionStream() override { connection_->close_now(); }

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

std::unique_ptr<ByteStream> make_stream(std::shared_ptr<Connection> connection) {
    return std::make_unique<ConnectionStream>(std::move(connection));
}

Task<Result<std::unique_ptr<ByteStream>>> connect_stream(Endpoint endpoint, DialOptions options) {
    auto connection = co_await dial(std::move(endpoint), nullptr, std::move(options));
    if (!connection) {
        co_return fail(connection.error());
    }
    co_return make_stream(std::move(*connection));
}

}  // namespace farhold::net
