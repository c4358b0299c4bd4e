// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/attempt_limiter.hpp"

#include <algorithm>

namespace farhold::enrolment {

void AttemptLimiter::forget_before(Instant time) {
    while (!failures_.empty() && failures_.front().at <= time) {
        failures_.pop_front();
    }
}

bool AttemptLimiter::allows(const std::string& address, Instant now) {
    forget_before(now - kWindow);
    const auto here = std::ranges::count(failures_, address, &Failure::address);
    return failures_.size() < kFailuresInAll &&
           static_cast<std::size_t>(here) < kFailuresPerAddress;
}

void AttemptLimiter::failed(const std::string& address, Instant now) {
    forget_before(now - kWindow);
    if (failures_.size() == kFailuresInAll) {
        failures_.pop_front();
    }
    failures_.push_back({now, address});
}

}  // namespace farhold::enrolment
