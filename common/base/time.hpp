// SPDX-License-Identifier: Apache-2.0
//
// Two kinds of time that never mix. Instant is monotonic and decides (timers, back-off, silence);
// WallTime is what people read (timestamps in objects) and may jump at any moment. Code that
// decides receives both as arguments and never asks a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace farhold {

// A clock without now(): whoever reads the real one does so at the rim, through Clock.
struct Monotonic {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<Monotonic>;
    static constexpr bool is_steady = true;
};

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<Monotonic>;
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

// Both clocks at one moment, as handed to pure code.
struct Now {
    Instant mono;
    WallTime wall;
};

class Clock {
public:
    virtual ~Clock() = default;
    virtual Now now() const = 0;
};

// CLOCK_BOOTTIME (counts while the machine sleeps) and CLOCK_REALTIME.
class SystemClock final : public Clock {
public:
    Now now() const override;
};

}  // namespace farhold
