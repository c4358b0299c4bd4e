// SPDX-License-Identifier: Apache-2.0
//
// Pure: how long to wait before the next try. Each delay is uniform between half the base and a
// ceiling that doubles from twice the base to the cap; so a fleet that lost its hub at once does not
// come back at once.
#pragma once

#include "common/base/random.hpp"
#include "common/base/time.hpp"

#include <algorithm>

namespace farhold {

class Backoff {
public:
    Backoff(Duration base, Duration cap) : base_(base), cap_(cap), ceiling_(first()) {}

    Duration next(Random& random) {
        const auto low = base_.count() / 2;
        const Duration drawn(static_cast<Duration::rep>(random.between(
            static_cast<std::uint64_t>(low),
            static_cast<std::uint64_t>(std::max<Duration::rep>(low, ceiling_.count()))
        )));
        ceiling_ = std::min(cap_, ceiling_ * 2);
        return drawn;
    }

    void reset() { ceiling_ = first(); }

private:
    Duration first() const { return std::min(cap_, base_ * 2); }

    Duration base_;
    Duration cap_;
    Duration ceiling_;  // Of the next delay.
};

}  // namespace farhold
