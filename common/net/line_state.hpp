// SPDX-License-Identifier: Apache-2.0
//
// What the kernel knows of the way that a connection's packets take.
#pragma once

#include "common/base/time.hpp"

#include <cstddef>

namespace farhold::net {

struct LineState {
    Duration rtt{};                        // Smoothed.
    Duration rtt_min{};                    // The shortest of the last minutes.
    std::size_t unacknowledged_bytes = 0;  // Written, and not known to have arrived.
};

// Of a TCP socket; zeros where the kernel says nothing.
LineState line_state_of(int socket);

}  // namespace farhold::net
