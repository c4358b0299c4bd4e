// SPDX-License-Identifier: Apache-2.0
//
// How a client sets out for its server: what it waits for and how long, and how far it has come.
#pragma once

#include "common/base/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace farhold::net {

// The steps of an attempt, in their order. Each has a time limit of its own.
enum class DialPhase : std::uint8_t { name, connect, tls, upgrade };

struct DialOptions {
    Duration name_timeout = std::chrono::seconds(5);
    Duration connect_timeout = std::chrono::seconds(5);  // For each address.
    Duration tls_timeout = std::chrono::seconds(10);
    Duration upgrade_timeout = std::chrono::seconds(10);

    // Where the name led to last time: taken when nobody answers what it is now. May be empty.
    std::string known_address;

    // TCP's maximum segment size, for both directions; 0: as the interface says. For paths that lose
    // large packets and tell nobody.
    std::size_t segment_bytes_max = 0;

    // Told when a step begins; may be empty.
    std::function<void(DialPhase)> on_phase;
};

}  // namespace farhold::net
