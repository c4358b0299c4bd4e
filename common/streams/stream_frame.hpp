// SPDX-License-Identifier: Apache-2.0
//
// Pure: frames of streams as plain values, to bytes and back; their meaning is in
// proto/farhold/tunnel/v1/tunnel.proto. One writer and one reader belong to one end of one connection.
#pragma once

#include "common/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace farhold::streams {

inline constexpr std::size_t kDataBytesMax = std::size_t{16} << 10U;
inline constexpr std::size_t kReasonBytesMax = 1024;
// A WebSocket message with a stream frame is never longer.
inline constexpr std::size_t kStreamWireBytesMax = kDataBytesMax + 256;

// As the hub opens them: 1, 2, 3, ... 0: the connection itself.
using StreamId = std::uint64_t;

struct Open {};
struct Data {
    std::string bytes;  // Not empty.
};
struct Credit {
    std::uint64_t bytes = 0;  // Not 0.
};
struct Finish {};
struct Reset {
    std::string reason;
};
// Of stream 0.
struct BulkCall {};
struct BulkRefusal {
    std::string reason;
};
struct Ping {};
struct Pong {};

using StreamMessage =
    std::variant<Open, Data, Credit, Finish, Reset, BulkCall, BulkRefusal, Ping, Pong>;

// The protocol's name of the message: "Open".
std::string_view name_of(const StreamMessage& message);

struct StreamFrame {
    StreamId stream = 0;
    StreamMessage message;
};

// Whether a WebSocket message of the tunnel is for StreamFrameReader, else for tunnel::FrameReader.
bool is_stream_frame(std::string_view message);

// Numbers what it writes. Too long a reason is cut.
class StreamFrameWriter {
public:
    std::string write(StreamFrame frame);

private:
    std::uint64_t number_ = 0;
};

// Refuses what is not the next frame, not a frame of ours, or beyond a limit. After an error the
// connection is over; the reader is not used again.
class StreamFrameReader {
public:
    Result<StreamFrame> read(std::string_view message);

private:
    std::uint64_t number_ = 0;
};

}  // namespace farhold::streams
