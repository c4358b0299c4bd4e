// SPDX-License-Identifier: Apache-2.0
//
// What a stream is for, and what follows from it. Both ends share these bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace farhold::streams {

// interactive: somebody waits for each byte; shares the connection of the session's state. bulk: as
// much as the line carries; has a connection of its own, on which a lost packet delays nobody else.
enum class StreamClass : std::uint8_t { interactive, bulk };
inline constexpr std::size_t kStreamClasses = 2;
std::string_view to_string(StreamClass cls);

struct StreamLimits {
    // Bytes that were sent to a reader and that it has not taken: what a stream can cost in memory.
    std::size_t window = 0;
    // Bytes that a writer has handed over and that are not sent yet.
    std::size_t unsent = 0;
    // Of one frame. While it is being sent nothing can overtake it.
    std::size_t data = 0;
    // At the same time on one connection.
    std::size_t streams = 0;
};
const StreamLimits& limits_of(StreamClass cls);

}  // namespace farhold::streams
