// SPDX-License-Identifier: Apache-2.0
#include "common/spdy/session.hpp"

#include "common/base/ensure.hpp"
#include "common/spdy/big_endian.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::spdy {
namespace {

constexpr std::size_t kHeadBytes = 8;
constexpr std::uint32_t kControlBit = 0x8000'0000;
constexpr std::uint32_t kStreamMask = 0x7fff'ffff;
constexpr std::uint32_t kLengthMask = 0x00ff'ffff;
constexpr std::uint32_t kVersion = 3;
constexpr std::uint32_t kFlagEnd = 1;
constexpr std::uint32_t kFlagUnidirectional = 2;
// What others write at once; a whole frame is held by some readers.
constexpr std::size_t kDataBytesMax = 32 << 10;

enum FrameType : std::uint32_t {
    kSynStream = 1,
    kSynReply = 2,
    kRstStream = 3,
    kSettings = 4,
    kPing = 6,
    kGoAway = 7,
    kHeaders = 8,
    kWindowUpdate = 9,
};

std::unexpected<Error> corrupt(std::string what) {
    return fail(ErrorCode::corrupt, "SPDY: " + std::move(what));
}

std::uint32_t first_word(std::string_view head) {
    return Reader(head).u32();
}

std::uint32_t second_word(std::string_view head) {
    return Reader(head.substr(4)).u32();
}

bool is_control(std::string_view head) {
    return (first_word(head) & kControlBit) != 0;
}

std::uint32_t flags_of(std::string_view head) {
    return second_word(head) >> 24U;
}

}  // namespace

Session::Session(Role role) : role_(role), next_(role == Role::client ? 1 : 2) {}

Result<> Session::receive(std::string_view bytes) {
    while (true) {
        if (!in_frame_) {
            const auto part = bytes.substr(0, kHeadBytes - head_.size());
            head_ += part;
            bytes.remove_prefix(part.size());
            if (head_.size() < kHeadBytes) {
                return {};
            }
            in_frame_ = true;
            missing_ = second_word(head_) & kLengthMask;
            if (is_control(head_) && missing_ > kControlBytesMax) {
                return fail(ErrorCode::resource_exhausted, "SPDY: a control frame is too long");
            }
        }
        const auto part = bytes.substr(0, missing_);
        bytes.remove_prefix(part.size());
        missing_ -= part.size();
        if (is_control(head_)) {
            control_ += part;
            if (missing_ == 0) {
                if (auto taken = receive_control(control_); !taken) {
                    return taken;
                }
            }
        } else {
            receive_data(part);
        }
        if (missing_ != 0) {
            return {};
        }
        in_frame_ = false;
        head_.clear();
        control_.clear();
    }
}

Result<> Session::receive_control(std::string_view payload) {
    const std::uint32_t word = first_word(head_);
    if ((word >> 16U & 0x7fffU) != kVersion) {
        return corrupt(fmt::format("a frame of version {}", word >> 16U & 0x7fffU));
    }
    switch (word & 0xffffU) {
        case kSynStream:
            return receive_stream(payload);
        case kSynReply:
            return receive_reply(payload);
        case kRstStream:
            return receive_reset(payload);
        case kPing:
            return receive_ping(payload);
        case kHeaders:
            return receive_headers(payload);
        case kGoAway:
            events_.emplace_back(GoneAway{});
            return {};
        case kSettings:
        case kWindowUpdate:
            return {};
        default:
            return corrupt(fmt::format("a frame of type {}", word & 0xffffU));
    }
}

Result<> Session::receive_stream(std::string_view payload) {
    Reader reader(payload);
    const StreamId id = reader.u32() & kStreamMask;
    reader.take(6);  // The associated stream, priority and slot.
    if (reader.failed()) {
        return corrupt("SYN_STREAM is too short");
    }
    // Also of a stream that is refused: the next block builds on it.
    auto headers = unpacker_.unpack(reader.rest());
    if (!headers) {
        return fail(headers.error().within("SYN_STREAM"));
    }
    const bool is_peers = (id % 2 == 1) == (role_ == Role::server);
    if (!is_peers || id <= last_of_peer_) {
        append_reset(id, ResetReason::protocol_error);
        return {};
    }
    last_of_peer_ = id;
    const bool one_way = (flags_of(head_) & kFlagUnidirectional) != 0;
    if (gone_away_ || one_way || streams_.size() >= kStreamsMax) {
        append_reset(id, ResetReason::refused_stream);
        return {};
    }
    const bool ended = (flags_of(head_) & kFlagEnd) != 0;
    streams_[id] = {.peer_ended = ended};
    events_.emplace_back(StreamOpened{id, std::move(*headers), ended});
    return {};
}

Result<> Session::receive_reply(std::string_view payload) {
    Reader reader(payload);
    const StreamId id = reader.u32() & kStreamMask;
    if (reader.failed()) {
        return corrupt("SYN_REPLY is too short");
    }
    if (auto headers = unpacker_.unpack(reader.rest()); !headers) {
        return fail(headers.error().within("SYN_REPLY"));
    }
    const auto stream = streams_.find(id);
    if (stream == streams_.end() || stream->second.accepted) {
        return {};
    }
    stream->second.accepted = true;
    events_.emplace_back(StreamAccepted{id});
    if ((flags_of(head_) & kFlagEnd) != 0) {
        peer_ended(id);
    }
    return {};
}

// They say nothing that anybody here asks for.
Result<> Session::receive_headers(std::string_view payload) {
    Reader reader(payload);
    const StreamId id = reader.u32() & kStreamMask;
    if (reader.failed()) {
        return corrupt("HEADERS is too short");
    }
    if (auto headers = unpacker_.unpack(reader.rest()); !headers) {
        return fail(headers.error().within("HEADERS"));
    }
    if ((flags_of(head_) & kFlagEnd) != 0) {
        peer_ended(id);
    }
    return {};
}

Result<> Session::receive_reset(std::string_view payload) {
    Reader reader(payload);
    const StreamId id = reader.u32() & kStreamMask;
    const std::uint32_t reason = reader.u32();
    if (reader.failed()) {
        return corrupt("RST_STREAM is too short");
    }
    if (streams_.erase(id) != 0) {
        events_.emplace_back(StreamReset{id, reason});
    }
    return {};
}

Result<> Session::receive_ping(std::string_view payload) {
    Reader reader(payload);
    const std::uint32_t id = reader.u32();
    if (reader.failed()) {
        return corrupt("PING is too short");
    }
    const bool is_peers = (id % 2 == 1) == (role_ == Role::server);
    if (is_peers) {
        append_control(kPing, 0, payload.substr(0, 4));
    }
    return {};
}

void Session::receive_data(std::string_view bytes) {
    const StreamId id = first_word(head_) & kStreamMask;
    const auto stream = streams_.find(id);
    const bool takes =
        stream != streams_.end() && stream->second.accepted && !stream->second.peer_ended;
    if (!takes) {
        return;  // As it is when we have just reset it.
    }
    if (!bytes.empty()) {
        events_.emplace_back(StreamData{id, std::string(bytes)});
    }
    if (missing_ == 0 && (flags_of(head_) & kFlagEnd) != 0) {
        peer_ended(id);
    }
}

void Session::peer_ended(StreamId id) {
    const auto stream = streams_.find(id);
    if (stream == streams_.end() || stream->second.peer_ended) {
        return;
    }
    stream->second.peer_ended = true;
    events_.emplace_back(StreamEnded{id});
    forget_if_over(stream);
}

void Session::forget_if_over(Streams::iterator stream) {
    if (stream->second.ended && stream->second.peer_ended) {
        streams_.erase(stream);
    }
}

std::vector<Event> Session::take_events() {
    return std::exchange(events_, {});
}

std::string Session::take_output() {
    return std::exchange(output_, {});
}

StreamId Session::open(const Headers& headers) {
    const StreamId id = next_;
    ensure(id <= kStreamMask, "fewer than 2^30 streams in a session");
    next_ += 2;
    streams_[id] = {};
    std::string payload;
    append_u32(payload, id);
    payload.append(6, '\0');
    payload += packer_.pack(headers);
    append_control(kSynStream, 0, payload);
    return id;
}

void Session::accept(StreamId id) {
    const auto stream = streams_.find(id);
    if (stream == streams_.end() || stream->second.accepted) {
        return;
    }
    stream->second.accepted = true;
    std::string payload;
    append_u32(payload, id);
    payload += packer_.pack({});
    append_control(kSynReply, 0, payload);
}

void Session::send(StreamId id, std::string_view bytes) {
    const auto stream = streams_.find(id);
    if (stream == streams_.end() || stream->second.ended) {
        return;
    }
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kDataBytesMax))) {
        append_data(id, 0, bytes.substr(0, kDataBytesMax));
    }
}

void Session::end(StreamId id) {
    const auto stream = streams_.find(id);
    if (stream == streams_.end() || stream->second.ended) {
        return;
    }
    stream->second.ended = true;
    append_data(id, kFlagEnd, {});
    forget_if_over(stream);
}

void Session::reset(StreamId id, ResetReason reason) {
    if (streams_.erase(id) != 0) {
        append_reset(id, reason);
    }
}

void Session::go_away() {
    gone_away_ = true;
    std::string payload;
    append_u32(payload, last_of_peer_);
    append_u32(payload, 0);
    append_control(kGoAway, 0, payload);
}

void Session::append_control(std::uint32_t type, std::uint32_t flags, std::string_view payload) {
    append_u32(output_, kControlBit | kVersion << 16U | type);
    append_u32(output_, flags << 24U | static_cast<std::uint32_t>(payload.size()));
    output_ += payload;
}

void Session::append_data(StreamId id, std::uint32_t flags, std::string_view bytes) {
    append_u32(output_, id);
    append_u32(output_, flags << 24U | static_cast<std::uint32_t>(bytes.size()));
    output_ += bytes;
}

void Session::append_reset(StreamId id, ResetReason reason) {
    std::string payload;
    append_u32(payload, id);
    append_u32(payload, static_cast<std::uint32_t>(reason));
    append_control(kRstStream, 0, payload);
}

}  // namespace farhold::spdy
