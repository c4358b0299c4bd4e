// SPDX-License-Identifier: Apache-2.0
//
// What the kernel knows of the way that a connection's packets take.
#pragma once

#include "common/base/time.hpp"

#include <cstddef>

namespace farhold::net {

struct LineState {
    Duration rtt{};      // Smoothed.
    Duration rtt_min{};  // The shortest of the last minutes.
    // Written and neither known to have arrived nor taken for lost. What arrived behind a lost packet
    // is not counted, though it cannot be acknowledged in order yet.
    std::size_t bytes_under_way = 0;
};

// Of a TCP socket; zeros where the kernel says nothing.
LineState line_state_of(int socket);

}  // namespace farhold::net
