// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include "tests/support/rig/process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <stdexcept>

namespace farhold::bench {

namespace {

volatile std::sig_atomic_t signalled = 0;

void check_signals() {
    if (signalled != 0) throw std::runtime_error("ended by a signal");
}

}  // namespace

void end_on_signals() {
    const auto note = [](int number) { signalled = number; };
    std::signal(SIGINT, note);
    std::signal(SIGTERM, note);
}

void say(const std::string& line) {
    check_signals();
    static const Stopwatch since_start;
    const auto text = fmt::format("== {:4.0f}s  {}\n", since_start.milliseconds() / 1000, line);
    std::fputs(text.c_str(), stderr);
}

void let_pass(Duration time, const std::string& what) {
    using namespace std::chrono_literals;
    const Stopwatch watch;
    while (true) {
        check_signals();
        const Duration left = time - (SystemClock().now().mono - watch.began());
        if (left <= 0s) return;
        if (left > 2s) {
            say(fmt::format(
                "{}: {} s to go", what, std::chrono::ceil<std::chrono::seconds>(left).count()
            ));
        }
        const Duration pause = std::min<Duration>(left, 30s);
        test::pause_briefly(
            static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(pause).count())
        );
    }
}

}  // namespace farhold::bench
