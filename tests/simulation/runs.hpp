// SPDX-License-Identifier: Apache-2.0
//
// Whole runs: the ordinary one of a seed, and ten years without a hub.
#pragma once

#include "world.hpp"

#include <cstdint>
#include <optional>

namespace farhold::simulation {

struct Outcome {
    std::optional<Violation> violation;
    std::uint64_t trace_hash = 0;
};

// Faults for a while, then none, and everything must settle.
Outcome run_seed(std::uint64_t seed, bool print);

// One machine that has its pods and never again a hub, rebooted every week; then a hub comes.
Outcome run_years(std::uint64_t seed, int years, bool print);

}  // namespace farhold::simulation
