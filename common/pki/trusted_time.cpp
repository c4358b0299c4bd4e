// SPDX-License-Identifier: Apache-2.0
#include "common/pki/trusted_time.hpp"

#include <algorithm>

namespace farhold::pki {

TrustedTime::TrustedTime(WallTime build_time, WallTime stored, Instant now)
    : base_(std::max(build_time, stored)), base_mono_(now) {}

void TrustedTime::prove(WallTime time, Instant now) {
    base_ = std::max(time, at(now));
    base_mono_ = now;
}

WallTime TrustedTime::at(Instant now) const {
    return base_ + std::max(now - base_mono_, Duration::zero());
}

}  // namespace farhold::pki
