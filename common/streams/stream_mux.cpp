// SPDX-License-Identifier: Apache-2.0
#include "common/streams/stream_mux.hpp"

#include "common/base/ensure.hpp"
#include "common/base/overload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::streams {

namespace {

// The reader tells what it has taken once it is this part of the window.
constexpr std::size_t kCreditParts = 4;
// Refusals that wait to be sent: a peer that opens streams and does not read ends here.
constexpr std::size_t kRefusedMax = 256;

std::unexpected<Error> protocol_error(std::string what) {
    return fail(ErrorCode::invalid_argument, std::move(what));
}

}  // namespace

StreamMux::Stream& StreamMux::add(StreamId stream) {
    last_ = stream;
    Stream& added = streams_[stream];
    added.credit = limits_.window;
    added.window = limits_.window;
    ++open_;
    ++counters_.opened;
    return added;
}

Result<StreamId> StreamMux::open() {
    ensure(role_ == Role::opener, "only one end opens streams");
    if (!over_.empty()) return fail(ErrorCode::unavailable, over_);
    if (open_ >= limits_.streams) {
        return fail(
            ErrorCode::resource_exhausted, fmt::format("{} streams are open", limits_.streams)
        );
    }
    const StreamId id = last_ + 1;
    add(id).open_due = true;
    schedule(streams_.find(id));
    return id;
}

Result<std::size_t> StreamMux::write(StreamId stream, std::string_view bytes) {
    const auto at = streams_.find(stream);
    Stream& one = at->second;
    if (one.finishing) return fail(ErrorCode::cancelled, "the stream is closed for writing");
    if (!one.broken.empty()) return fail(ErrorCode::unavailable, one.broken);
    std::size_t count = 0;
    while (count < bytes.size() && one.out.size() < limits_.unsent) {
        const std::size_t room = std::min(limits_.unsent - one.out.size(), limits_.data);
        const std::string_view piece = bytes.substr(count, room);
        one.out.append(std::string(piece));
        count += piece.size();
    }
    schedule(at);
    return count;
}

void StreamMux::finish(StreamId stream) {
    const auto at = streams_.find(stream);
    at->second.finishing = true;
    schedule(at);
}

std::optional<Result<std::size_t>> StreamMux::read(StreamId stream, std::span<char> into) {
    const auto at = streams_.find(stream);
    Stream& one = at->second;
    const std::size_t count = one.in.take(into);
    if (count > 0) {
        one.credit_due += count;
        schedule(at);
        return count;
    }
    if (one.finish_received) return 0;
    if (!one.broken.empty()) return fail(ErrorCode::unavailable, one.broken);
    return std::nullopt;
}

void StreamMux::abandon(StreamId stream) {
    const auto at = streams_.find(stream);
    at->second.abandoned = true;
    at->second.in.clear();
    schedule(at);
    forget_if_done(at);
}

Result<> StreamMux::receive(StreamId stream, StreamMessage message) {
    if (std::holds_alternative<Open>(message)) return receive_open(stream);
    if (stream > last_) {
        return protocol_error(
            fmt::format("{} of stream {}, which was never opened", name_of(message), stream)
        );
    }
    const auto at = streams_.find(stream);
    // On its way when the stream was given up here.
    if (at == streams_.end() || at->second.closed) return {};
    return receive(at, message);
}

Result<> StreamMux::receive_open(StreamId stream) {
    if (role_ == Role::opener) return protocol_error("only hubs open streams");
    if (stream != last_ + 1) {
        return protocol_error(fmt::format("stream {} opened after {}", stream, last_));
    }
    if (streams_.size() < limits_.streams) {
        add(stream);
        opened_.push_back(stream);
        return {};
    }
    last_ = stream;
    ++counters_.opened;
    ++counters_.ended.at(static_cast<std::size_t>(EndKind::refused));
    ended_.push_back({.stream = stream, .kind = EndKind::refused, .reason = "too many streams"});
    if (refused_.size() >= kRefusedMax) {
        return protocol_error("streams are opened and refusals are not read");
    }
    refused_.push_back(stream);
    return {};
}

Result<> StreamMux::receive(Streams::iterator at, const StreamMessage& message) {
    const StreamId id = at->first;
    Stream& one = at->second;
    return std::visit(
        Overload{
            [&](const Data& data) { return receive_data(at, data); },
            [&](const Credit& credit) -> Result<> {
                if (credit.bytes > limits_.window - one.credit) {
                    return protocol_error(
                        fmt::format("more credit for stream {} than its window", id)
                    );
                }
                one.credit += credit.bytes;
                schedule(at);
                return {};
            },
            [&](const Finish& /*finish*/) -> Result<> {
                if (std::exchange(one.finish_received, true)) {
                    return protocol_error(fmt::format("stream {} finished twice", id));
                }
                changed(id);
                close_if_finished(at);
                return {};
            },
            [&](const Reset& reset) -> Result<> {
                close(at, EndKind::reset, "the peer ended the stream: " + reset.reason);
                return {};
            },
            [&](const auto& /*other*/) -> Result<> {
                return protocol_error(fmt::format("{} of stream {}", name_of(message), id));
            },
        },
        message
    );
}

Result<> StreamMux::receive_data(Streams::iterator at, const Data& data) {
    Stream& one = at->second;
    if (one.finish_received) {
        return protocol_error(fmt::format("data of stream {} after its end", at->first));
    }
    if (data.bytes.size() > one.window) {
        return protocol_error(fmt::format("more data of stream {} than its window", at->first));
    }
    one.window -= data.bytes.size();
    one.bytes_received += data.bytes.size();
    counters_.bytes_received += data.bytes.size();
    if (!one.abandoned) {
        one.in.append(data.bytes);
        changed(at->first);
    }
    return {};
}

bool StreamMux::has_turn(const Stream& one) const {
    if (one.closed) return false;
    if (!one.out.empty()) return one.credit > 0;
    return (one.finishing && !one.finish_sent) || one.abandoned;
}

// Puts the stream where its next frame is due.
void StreamMux::schedule(Streams::iterator at) {
    auto& [id, one] = *at;
    if (one.closed) return;
    const bool tells_credit =
        !one.abandoned && !one.finish_received && one.credit_due >= limits_.window / kCreditParts;
    if (!one.is_urgent && (one.open_due || tells_credit)) {
        one.is_urgent = true;
        urgent_.push_back(id);
    }
    if (!one.takes_turns && has_turn(one)) {
        one.takes_turns = true;
        turns_.push_back(id);
    }
}

std::optional<StreamFrame> StreamMux::next(std::size_t data_max) {
    if (!over_.empty()) return std::nullopt;
    if (auto frame = next_urgent()) return frame;
    // A stream whose turn is data waits for room; one that ends does not.
    for (std::size_t turns = turns_.size(); turns > 0; --turns) {
        const StreamId id = turns_.front();
        turns_.pop_front();
        const auto at = streams_.find(id);
        if (at == streams_.end()) continue;
        Stream& one = at->second;
        one.takes_turns = false;
        std::optional<StreamFrame> frame = take_turn(at, data_max);
        if (frame) return frame;
        schedule(at);
    }
    return std::nullopt;
}

std::optional<StreamFrame> StreamMux::next_urgent() {
    while (!urgent_.empty()) {
        const StreamId id = urgent_.front();
        urgent_.pop_front();
        const auto at = streams_.find(id);
        if (at == streams_.end() || at->second.closed) continue;
        Stream& one = at->second;
        one.is_urgent = false;
        if (std::exchange(one.open_due, false)) {
            schedule(at);
            return StreamFrame{.stream = id, .message = Open{}};
        }
        if (one.abandoned) continue;
        const std::size_t bytes = std::exchange(one.credit_due, 0);
        one.window += bytes;
        return StreamFrame{.stream = id, .message = Credit{bytes}};
    }
    if (refused_.empty()) return std::nullopt;
    const StreamId id = refused_.front();
    refused_.pop_front();
    return StreamFrame{.stream = id, .message = Reset{"too many streams"}};
}

std::optional<StreamFrame> StreamMux::take_turn(Streams::iterator at, std::size_t data_max) {
    auto& [id, one] = *at;
    if (!has_turn(one)) return std::nullopt;
    if (!one.out.empty()) {
        const std::size_t room = std::min({data_max, limits_.data, one.credit});
        if (room == 0) return std::nullopt;
        const bool was_full = one.out.size() >= limits_.unsent;
        Data data{one.out.take_piece(room)};
        one.credit -= data.bytes.size();
        one.bytes_sent += data.bytes.size();
        counters_.bytes_sent += data.bytes.size();
        if (was_full && !one.abandoned) changed(id);
        schedule(at);
        return StreamFrame{.stream = id, .message = std::move(data)};
    }
    if (one.finishing && !std::exchange(one.finish_sent, true)) {
        schedule(at);
        const StreamId finished = id;
        close_if_finished(at);
        return StreamFrame{.stream = finished, .message = Finish{}};
    }
    const StreamId abandoned = id;
    close(at, EndKind::given_up, "given up");
    return StreamFrame{.stream = abandoned, .message = Reset{"given up by its other end"}};
}

void StreamMux::close_if_finished(Streams::iterator at) {
    const Stream& one = at->second;
    if (one.finish_sent && one.finish_received) close(at, EndKind::finished, {});
}

void StreamMux::close(Streams::iterator at, EndKind kind, std::string reason) {
    auto& [id, one] = *at;
    one.closed = true;
    one.out.clear();
    --open_;
    ++counters_.ended.at(static_cast<std::size_t>(kind));
    ended_.push_back({
        .stream = id,
        .kind = kind,
        .reason = reason,
        .bytes_sent = one.bytes_sent,
        .bytes_received = one.bytes_received,
    });
    one.broken = std::move(reason);
    if (!one.abandoned) changed(id);
    forget_if_done(at);
}

void StreamMux::forget_if_done(Streams::iterator at) {
    if (at->second.closed && at->second.abandoned) streams_.erase(at);
}

void StreamMux::end(const std::string& reason) {
    if (!over_.empty()) return;
    over_ = reason;
    for (auto at = streams_.begin(); at != streams_.end();) {
        const auto one = at++;
        if (!one->second.closed) close(one, EndKind::connection_lost, reason);
    }
    urgent_.clear();
    turns_.clear();
    refused_.clear();
}

std::vector<StreamId> StreamMux::take_changed() {
    return std::exchange(changed_, {});
}

std::vector<StreamId> StreamMux::take_opened() {
    return std::exchange(opened_, {});
}

std::vector<StreamEnd> StreamMux::take_ended() {
    return std::exchange(ended_, {});
}

}  // namespace farhold::streams
