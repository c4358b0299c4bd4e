// SPDX-License-Identifier: Apache-2.0
#include "common/streams/bulk_connection.hpp"

#include "common/async/timeout.hpp"
#include "common/tunnel/messages.hpp"

#include <chrono>
#include <utility>
#include <variant>

namespace farhold::streams {

namespace {

constexpr Duration kLookInterval = std::chrono::seconds(1);
// Long enough for the next file of somebody who copies one after the other.
constexpr Duration kQuietMax = std::chrono::seconds(30);

}  // namespace

std::string bulk_target(std::uint64_t epoch) {
    return std::string(kBulkPath) + "?epoch=" + std::to_string(epoch);
}

BulkConnection::BulkConnection(
    const Executor& executor, StreamMux::Role role, std::unique_ptr<net::WebSocket> socket,
    const Clock& clock, log::Logger logger, Opened opened
)
    : role_(role),
      socket_(std::move(socket)),
      clock_(clock),
      logger_(std::move(logger)),
      changed_(executor),
      carrier_(
          executor, role, StreamClass::bulk, socket_->peer(), logger_,
          {
              .sendable = [this] { changed_.set(); },
              .opened = std::move(opened),
              .about_connection = [this](const auto& message) { return receive(message); },
          }
      ) {}

Task<> BulkConnection::run() {
    logger_.debug("connection for bulk streams opened");
    co_await race(carry(), watch_loop());
    close("it is over");
}

void BulkConnection::close(const std::string& reason) {
    if (end_.empty()) {
        end_ = reason;
        logger_.debug("connection for bulk streams closed", {{"reason", end_}});
    }
    carrier_.end("the connection for bulk streams has ended: " + end_);
    socket_->close_now();
}

Task<> BulkConnection::carry() {
    co_await race(read_loop(), write_loop());
}

Task<> BulkConnection::read_loop() {
    while (true) {
        auto message = co_await socket_->read();
        if (!message) co_return close(message.error().message());
        const auto received = carrier_.receive(*message);
        if (!received) {
            logger_.warning(
                "the peer broke a rule of streams", {{"reason", received.error().message()}}
            );
            co_return close(received.error().message());
        }
    }
}

Task<> BulkConnection::write_loop() {
    while (true) {
        const net::LineState line = socket_->line_state();
        auto message = carrier_.next(pace_.room(line, clock_.now().mono));
        if (message) {
            const auto written = co_await socket_->write(std::move(*message));
            if (!written) co_return close(written.error().message());
        } else if (carrier_.waits_for_room()) {
            co_await changed_.wait_for(LinePace::pause(line));
        } else {
            co_await changed_.wait();
        }
    }
}

Task<> BulkConnection::watch_loop() {
    Instant busy = clock_.now().mono;
    Instant pinged{};
    while (true) {
        co_await sleep_for(kLookInterval);
        const Instant now = clock_.now().mono;
        const Duration quiet = socket_->quiet_for();
        if (quiet >= tunnel::kSilenceMax) {
            socket_->abort();
            co_return close("the peer is silent");
        }
        if (role_ == StreamMux::Role::acceptor) {
            if (std::min(quiet, now - pinged) < tunnel::kPingInterval) continue;
            pinged = now;
            carrier_.tell(Ping{});
        } else {
            if (carrier_.size() > 0) busy = now;
            if (now - busy >= kQuietMax) co_return close("no bulk stream for a while");
        }
    }
}

Result<> BulkConnection::receive(const StreamMessage& message) {
    const bool is_hub = role_ == StreamMux::Role::opener;
    if (is_hub && std::holds_alternative<Ping>(message)) {
        carrier_.tell(Pong{});
        return {};
    }
    if (!is_hub && std::holds_alternative<Pong>(message)) return {};
    return fail(
        ErrorCode::invalid_argument,
        std::string(name_of(message)) + " on the connection for bulk streams"
    );
}

}  // namespace farhold::streams
