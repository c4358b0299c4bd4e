// SPDX-License-Identifier: Apache-2.0
#include "common/streams/stream_carrier.hpp"

#include "common/async/event.hpp"
#include "common/base/ensure.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace farhold::streams {

namespace {

// What waits for a stream to change. Shared with the calls that are pending.
struct Owner {
    Owner(const Executor& executor, StreamId id)
        : stream(id), readable(executor), writable(executor) {}

    StreamId stream;
    bool closed = false;  // By close_now().
    Event readable;
    Event writable;
};

}  // namespace

struct StreamCarrier::State : std::enable_shared_from_this<State> {
    State(
        Executor loop, StreamMux::Role role, StreamClass cls, net::PeerIdentity other,
        log::Logger log, Calls told
    )
        : executor(std::move(loop)),
          mux(role, cls),
          peer(std::move(other)),
          logger(log.with({{"class", to_string(cls)}})),
          calls(std::move(told)) {}

    std::unique_ptr<net::ByteStream> hand_out(StreamId stream);
    // After each call of the mux.
    void settle();
    void log_end(const StreamEnd& end);

    Executor executor;
    StreamMux mux;
    StreamFrameReader reader;
    StreamFrameWriter writer;
    net::PeerIdentity peer;
    log::Logger logger;
    std::deque<StreamMessage> told;  // About the connection, not sent yet.
    std::map<StreamId, std::shared_ptr<Owner>> owners;
    Calls calls;
};

class StreamCarrier::TunnelStream final : public net::ByteStream {
public:
    TunnelStream(std::shared_ptr<State> state, std::shared_ptr<Owner> owner)
        : state_(std::move(state)), owner_(std::move(owner)) {}
    TunnelStream(const TunnelStream&) = delete;
    TunnelStream& operator=(const TunnelStream&) = delete;
    ~TunnelStream() override { close_now(); }

    Task<Result<std::size_t>> read_some(std::span<char> into) override {
        ensure(!into.empty(), "a read has room for a byte");
        return read_some(state_, owner_, into);
    }

    Task<Result<void>> write(std::string_view bytes) override {
        return write(state_, owner_, bytes);
    }

    void end_writing() override {
        if (owner_->closed) return;
        state_->mux.finish(owner_->stream);
        state_->settle();
    }

    void close_now() override {
        if (std::exchange(owner_->closed, true)) return;
        state_->owners.erase(owner_->stream);
        state_->mux.abandon(owner_->stream);
        owner_->readable.set();
        owner_->writable.set();
        state_->settle();
    }

    const net::PeerIdentity& peer() const override { return state_->peer; }

private:
    // The stream itself may be gone while they are pending, so they have all they need.
    static Task<Result<std::size_t>> read_some(
        std::shared_ptr<State> state, std::shared_ptr<Owner> owner, std::span<char> into
    ) {
        while (!owner->closed) {
            const auto count = state->mux.read(owner->stream, into);
            if (count) {
                state->settle();
                co_return *count;
            }
            co_await owner->readable.wait();
        }
        co_return closed();
    }

    static Task<Result<void>> write(
        std::shared_ptr<State> state, std::shared_ptr<Owner> owner, std::string_view bytes
    ) {
        while (!owner->closed) {
            const auto count = state->mux.write(owner->stream, bytes);
            if (!count) co_return fail(count.error());
            state->settle();
            bytes.remove_prefix(*count);
            if (bytes.empty()) co_return Result<>{};
            co_await owner->writable.wait();
        }
        co_return closed();
    }

    static std::unexpected<Error> closed() {
        return fail(ErrorCode::cancelled, "the stream is closed");
    }

    std::shared_ptr<State> state_;
    std::shared_ptr<Owner> owner_;
};

std::unique_ptr<net::ByteStream> StreamCarrier::State::hand_out(StreamId stream) {
    auto owner = std::make_shared<Owner>(executor, stream);
    owners.emplace(stream, owner);
    return std::make_unique<TunnelStream>(shared_from_this(), std::move(owner));
}

void StreamCarrier::State::settle() {
    for (const StreamId stream : mux.take_changed()) {
        const auto at = owners.find(stream);
        if (at == owners.end()) continue;
        at->second->readable.set();
        at->second->writable.set();
    }
    for (const StreamEnd& end : mux.take_ended()) log_end(end);
    calls.sendable();
}

void StreamCarrier::State::log_end(const StreamEnd& end) {
    logger.debug(
        "stream ended", {{"stream", end.stream},
                         {"how", to_string(end.kind)},
                         {"reason", end.reason},
                         {"sent_bytes", end.bytes_sent},
                         {"received_bytes", end.bytes_received}}
    );
}

StreamCarrier::StreamCarrier(
    Executor executor, StreamMux::Role role, StreamClass cls, net::PeerIdentity peer,
    log::Logger logger, Calls calls
)
    : state_(std::make_shared<State>(
          std::move(executor), role, cls, std::move(peer), std::move(logger), std::move(calls)
      )) {}

StreamCarrier::~StreamCarrier() {
    state_->calls = {};
    end("the connection is over");
}

Result<std::unique_ptr<net::ByteStream>> StreamCarrier::open() {
    const auto stream = state_->mux.open();
    if (!stream) return fail(stream.error());
    auto handed_out = state_->hand_out(*stream);
    state_->settle();
    return handed_out;
}

Result<> StreamCarrier::receive(std::string_view message) {
    auto frame = state_->reader.read(message);
    if (!frame) return fail(frame.error());
    if (frame->stream == 0) {
        if (state_->calls.about_connection) return state_->calls.about_connection(frame->message);
        return fail(
            ErrorCode::invalid_argument,
            std::string(name_of(frame->message)) + " is not for this connection"
        );
    }
    auto received = state_->mux.receive(frame->stream, std::move(frame->message));
    for (const StreamId stream : state_->mux.take_opened()) {
        state_->calls.opened(state_->hand_out(stream));
    }
    state_->settle();
    return received;
}

void StreamCarrier::tell(StreamMessage message) {
    const auto is_told = [&](const StreamMessage& other) {
        return other.index() == message.index();
    };
    if (std::ranges::any_of(state_->told, is_told)) return;
    state_->told.push_back(std::move(message));
    state_->calls.sendable();
}

std::optional<std::string> StreamCarrier::next(std::size_t data_max) {
    if (!state_->told.empty()) {
        StreamFrame frame{.stream = 0, .message = std::move(state_->told.front())};
        state_->told.pop_front();
        return state_->writer.write(std::move(frame));
    }
    auto frame = state_->mux.next(data_max);
    if (!frame) return std::nullopt;
    auto message = state_->writer.write(std::move(*frame));
    for (const StreamId stream : state_->mux.take_changed()) {
        const auto at = state_->owners.find(stream);
        if (at != state_->owners.end()) at->second->writable.set();
    }
    for (const StreamEnd& end : state_->mux.take_ended()) state_->log_end(end);
    return message;
}

bool StreamCarrier::waits_for_room() const {
    return state_->mux.waits_for_room();
}

void StreamCarrier::end(const std::string& reason) {
    ensure(!reason.empty(), "the end of a connection has a reason");
    state_->told.clear();
    state_->mux.end(reason);
    state_->settle();
}

std::size_t StreamCarrier::size() const {
    return state_->mux.size();
}

const StreamCounters& StreamCarrier::counters() const {
    return state_->mux.counters();
}

}  // namespace farhold::streams
