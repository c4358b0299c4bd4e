// SPDX-License-Identifier: Apache-2.0
#include "common/streams/line_pace.hpp"

#include "common/streams/stream_frame.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace farhold::streams {

namespace {

// That much waiting is wanted: none at all would mean that the line may be idle. Partly as a time,
// which suits every line, and partly as bytes, by which two that meet on a line come to equal shares:
// each sees the waiting of both directions.
constexpr Duration kWaitWanted = std::chrono::milliseconds(8);
constexpr double kBytesWanted = 6 << 10U;
// Less than that and it is noise.
constexpr Duration kWaitSeen = std::chrono::milliseconds(5);
constexpr std::size_t kWindowMin = std::size_t{4} << 10U;
constexpr std::size_t kWindowMax = std::size_t{4} << 20U;
constexpr Duration kAdaptInterval = std::chrono::milliseconds(2);

}  // namespace

std::size_t LinePace::room(const net::LineState& line, Instant now) {
    if (now >= adapt_at_) {
        adapt(line);
        adapt_at_ = now + std::max(line.rtt, kAdaptInterval);
    }
    const std::size_t free = window_ - std::min(window_, line.bytes_under_way);
    // Large frames go in bursts, many small ones cost more.
    const std::size_t frame = std::min(kDataBytesMax, window_ / 2);
    const bool worthwhile = free >= frame / 2;
    was_full_ = was_full_ || !worthwhile;
    return worthwhile ? std::min(free, frame) : 0;
}

// Once a round trip: by as much as the round trip is shorter or longer than it should be.
void LinePace::adapt(const net::LineState& line) {
    const Duration waited = line.rtt - std::min(line.rtt, line.rtt_min);
    starting_ = starting_ && waited < kWaitSeen;
    const double wanted = static_cast<double>((line.rtt_min + kWaitWanted).count());
    const double seen = static_cast<double>(std::max(line.rtt, Duration(1)).count());
    const double factor = starting_ ? 2.0 : std::clamp(wanted / seen, 0.5, 2.0);
    const double before = static_cast<double>(window_);
    const double window = before * factor + kBytesWanted;
    // What was not used says nothing about what there is room for.
    if (window > before && !std::exchange(was_full_, false)) return;
    window_ = std::clamp(static_cast<std::size_t>(window), kWindowMin, kWindowMax);
}

Duration LinePace::pause(const net::LineState& line) {
    constexpr Duration kShortest = std::chrono::milliseconds(1);
    constexpr Duration kLongest = std::chrono::milliseconds(10);
    return std::clamp(line.rtt / 16, kShortest, kLongest);
}

}  // namespace farhold::streams
