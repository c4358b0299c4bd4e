// SPDX-License-Identifier: Apache-2.0
//
// Pure: decorrelated jitter for redialling. Each delay is uniform between the base and three times
// the one before, capped; so a fleet that lost its hub at once does not come back at once.
#pragma once

#include "common/base/random.hpp"
#include "common/base/time.hpp"

#include <algorithm>

namespace farhold {

class Backoff {
public:
    Backoff(Duration base, Duration cap) : base_(base), cap_(cap), last_(base) {}

    Duration next(Random& random) {
        const auto low = base_.count() / 2;
        const auto high = std::max<Duration::rep>(low, std::min(cap_.count(), last_.count() * 3));
        const Duration drawn(static_cast<Duration::rep>(
            random.between(static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high))
        ));
        last_ = std::max(base_, drawn);
        return drawn;
    }

    void reset() { last_ = base_; }

private:
    Duration base_;
    Duration cap_;
    Duration last_;
};

}  // namespace farhold
