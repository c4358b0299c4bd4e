// SPDX-License-Identifier: Apache-2.0
#include "common/base/time.hpp"

#include <ctime>

namespace farhold {

namespace {

std::chrono::nanoseconds read(clockid_t clock) {
    timespec spec{};
    ::clock_gettime(clock, &spec);
    return std::chrono::seconds(spec.tv_sec) + std::chrono::nanoseconds(spec.tv_nsec);
}

}  // namespace

Now SystemClock::now() const {
    return {.mono = Instant(read(CLOCK_BOOTTIME)), .wall = WallTime(read(CLOCK_REALTIME))};
}

}  // namespace farhold
