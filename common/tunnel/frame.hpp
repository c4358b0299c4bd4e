// SPDX-License-Identifier: Apache-2.0
//
// Pure: messages to bytes and back. Every limit is checked on the way in, so what a state machine
// receives is always well-formed. One writer and one reader belong to one end of one session.
#pragma once

#include "common/base/error.hpp"
#include "common/tunnel/messages.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::tunnel {

// Numbers what it writes.
class FrameWriter {
public:
    // The WebSocket messages that carry it, in order: one, or the fragments of a long one.
    std::vector<std::string> write(const Message& message);

private:
    std::uint64_t number_ = 0;
};

// Refuses what is not the next frame, not a frame of ours (both invalid_argument) or beyond a limit
// (resource_exhausted). After an error the session is over; the reader is not used again.
class FrameReader {
public:
    // Nothing while a fragmented message is not complete.
    Result<std::optional<Message>> read(std::string_view bytes);

private:
    std::uint64_t number_ = 0;
    std::string partial_;
    bool fragmented_ = false;
};

}  // namespace farhold::tunnel
