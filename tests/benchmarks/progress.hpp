// SPDX-License-Identifier: Apache-2.0
//
// Time that passes while something is measured, and a word to the people who wait.
#pragma once

#include "common/base/time.hpp"

#include <string>

namespace farhold::bench {

// After it, SIGINT and SIGTERM end the benchmark at its next word, with everything cleaned up.
void end_on_signals();

// A line on stderr with the seconds since the program began.
void say(const std::string& line);

// Lets the time pass; says every half minute how much of it is left.
void let_pass(Duration time, const std::string& what);

class Stopwatch {
public:
    Stopwatch() : Stopwatch(SystemClock().now().mono) {}
    explicit Stopwatch(Instant began) : began_(began) {}

    Instant began() const { return began_; }
    double milliseconds() const { return milliseconds_until(SystemClock().now().mono); }
    double milliseconds_until(Instant end) const {
        return std::chrono::duration<double, std::milli>(end - began_).count();
    }

private:
    Instant began_;
};

}  // namespace farhold::bench
