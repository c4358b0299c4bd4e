// SPDX-License-Identifier: Apache-2.0
//
// Pure: what was done with streams at one end, as of all connections of a class.
#pragma once

#include "common/streams/stream_class.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace farhold::streams {

// How a stream ended, seen from this end.
enum class EndKind : std::uint8_t {
    finished,  // Both ways in order.
    given_up,  // By its owner here.
    reset,     // By its peer.
    refused,   // There were too many, here or there.
    connection_lost,
};
inline constexpr std::size_t kEndKinds = 5;
std::string_view to_string(EndKind kind);

struct StreamCounters {
    std::uint64_t opened = 0;
    std::array<std::uint64_t, kEndKinds> ended{};  // By EndKind.
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;

    [[nodiscard]] std::uint64_t open() const;
    void add(const StreamCounters& other);
};

// By StreamClass.
using ClassCounters = std::array<StreamCounters, kStreamClasses>;

}  // namespace farhold::streams
