// SPDX-License-Identifier: Apache-2.0
//
// Pure: one end of a SPDY/3.1 connection. What the peer sends becomes events; what is asked for becomes
// bytes to send. Pings are answered by themselves.
#pragma once

#include "common/base/error.hpp"
#include "common/spdy/header_block.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace farhold::spdy {

using StreamId = std::uint32_t;

enum class Role : std::uint8_t { client, server };

// Why a stream was reset; the peer may say others.
enum class ResetReason : std::uint32_t {
    protocol_error = 1,
    invalid_stream = 2,
    refused_stream = 3,
    cancel = 5,
    internal_error = 6,
};

// The peer wants a stream: accept() or reset() it.
struct StreamOpened {
    StreamId stream = 0;
    Headers headers;
    bool ended = false;  // The peer will send nothing on it.
};
// The peer has taken ours; before that it drops what is sent on it.
struct StreamAccepted {
    StreamId stream = 0;
};
// As much as has come; the borders mean nothing.
struct StreamData {
    StreamId stream = 0;
    std::string bytes;
};
struct StreamEnded {
    StreamId stream = 0;
};
// Nothing more comes, and nothing more is taken.
struct StreamReset {
    StreamId stream = 0;
    std::uint32_t reason = 0;
};
// The peer opens no more streams and wants none.
struct GoneAway {};
using Event =
    std::variant<StreamOpened, StreamAccepted, StreamData, StreamEnded, StreamReset, GoneAway>;

inline constexpr std::size_t kControlBytesMax = 32 << 10;
inline constexpr std::size_t kStreamsMax = 1000;

class Session {
public:
    explicit Session(Role role);

    // An error ends the connection. Events up to it are there.
    Result<> receive(std::string_view bytes);
    std::vector<Event> take_events();
    std::string take_output();

    StreamId open(const Headers& headers);
    void accept(StreamId stream);
    // On a stream that does not take anything (any more) it is dropped.
    void send(StreamId stream, std::string_view bytes);
    void end(StreamId stream);
    void reset(StreamId stream, ResetReason reason);
    void go_away();

    [[nodiscard]] std::size_t open_streams() const { return streams_.size(); }

private:
    struct Stream {
        bool accepted = false;
        bool ended = false;  // By us.
        bool peer_ended = false;
    };
    using Streams = std::map<StreamId, Stream>;

    Result<> receive_control(std::string_view payload);
    Result<> receive_stream(std::string_view payload);
    Result<> receive_reply(std::string_view payload);
    Result<> receive_headers(std::string_view payload);
    Result<> receive_reset(std::string_view payload);
    Result<> receive_ping(std::string_view payload);
    void receive_data(std::string_view bytes);
    void peer_ended(StreamId stream);
    void forget_if_over(Streams::iterator stream);
    void append_control(std::uint32_t type, std::uint32_t flags, std::string_view payload);
    void append_data(StreamId stream, std::uint32_t flags, std::string_view bytes);
    void append_reset(StreamId stream, ResetReason reason);

    Role role_;
    HeaderPacker packer_;
    HeaderUnpacker unpacker_;
    Streams streams_;
    StreamId next_;
    StreamId last_of_peer_ = 0;
    bool gone_away_ = false;

    std::string head_;         // Of the frame that is being received.
    std::string control_;      // Its payload so far, if it is a control frame.
    std::size_t missing_ = 0;  // Bytes of its payload.
    bool in_frame_ = false;
    std::vector<Event> events_;
    std::string output_;
};

}  // namespace farhold::spdy
