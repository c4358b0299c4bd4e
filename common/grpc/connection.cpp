// SPDX-License-Identifier: Apache-2.0
#include "common/grpc/connection.hpp"

#include "common/async/event.hpp"
#include "common/async/timeout.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace farhold::grpc {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kReadBytes = std::size_t{32} * 1024;

// How long a peer that broke the protocol may take to read why.
constexpr auto kFarewell = std::chrono::seconds(1);

}  // namespace

struct Connection::Impl {
    Impl(Executor executor, int descriptor, http2::Role role, const http2::Limits& limits)
        : session(role, limits),
          socket(executor, asio::local::stream_protocol(), descriptor),
          output_ready(executor) {}

    Task<> read(const std::function<void(http2::Event)>& on_event) {
        std::array<char, kReadBytes> buffer;
        for (;;) {
            boost::system::error_code error;
            const auto size = co_await socket.async_read_some(
                asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error)
            );
            if (error) {
                end(error == asio::error::eof ? "the peer closed the connection" : error.message());
                co_return;
            }
            const auto taken = session.receive({buffer.data(), size});
            deliver(on_event);
            output_ready.set();
            if (!taken) {
                reason = taken.error();
                closing = true;
                // The writer ends first, when it has written our GOAWAY.
                co_await sleep_for(kFarewell);
                co_return;
            }
        }
    }

    Task<> write(const std::function<void(http2::Event)>& on_event) {
        for (;;) {
            const std::string output = session.take_output();
            deliver(on_event);
            if (output.empty()) {
                if (closing || session.finished()) {
                    end("the connection was closed");
                    co_return;
                }
                co_await output_ready.wait();
                continue;
            }
            boost::system::error_code error;
            co_await asio::async_write(
                socket, asio::buffer(output), asio::redirect_error(asio::use_awaitable, error)
            );
            if (error) {
                end(error.message());
                co_return;
            }
        }
    }

    void deliver(const std::function<void(http2::Event)>& on_event) {
        for (auto& event : session.take_events()) {
            on_event(std::move(event));
        }
    }

    void end(const std::string& why) {
        if (!reason) {
            reason = Error(ErrorCode::unavailable, why);
        }
    }

    http2::Session session;
    asio::local::stream_protocol::socket socket;
    Event output_ready;
    bool closing = false;
    std::optional<Error> reason;
};

Connection::Connection(
    Executor executor, int descriptor, http2::Role role, const http2::Limits& limits
)
    : impl_(std::make_unique<Impl>(std::move(executor), descriptor, role, limits)) {}

Connection::~Connection() = default;

Task<Error> Connection::run(std::function<void(http2::Event)> on_event) {
    co_await race(impl_->read(on_event), impl_->write(on_event));
    boost::system::error_code ignored;
    impl_->socket.close(ignored);
    co_return *impl_->reason;
}

http2::Session& Connection::session() {
    return impl_->session;
}

void Connection::flush() {
    impl_->output_ready.set();
}

void Connection::close() {
    impl_->closing = true;
    impl_->output_ready.set();
}

}  // namespace farhold::grpc
