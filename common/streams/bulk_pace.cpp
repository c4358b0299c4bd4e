// SPDX-License-Identifier: Apache-2.0
#include "common/streams/bulk_pace.hpp"

#include "common/streams/stream_frame.hpp"

#include <algorithm>
#include <chrono>

namespace farhold::streams {

namespace {

// That much waiting is wanted: none at all would mean that the line may be idle.
constexpr Duration kWaitWanted = std::chrono::milliseconds(10);
// Less than that and it is noise.
constexpr Duration kWaitSeen = std::chrono::milliseconds(5);
constexpr std::size_t kWindowMin = std::size_t{4} << 10U;
constexpr std::size_t kWindowMax = std::size_t{4} << 20U;
constexpr Duration kAdaptInterval = std::chrono::milliseconds(2);

}  // namespace

std::size_t BulkPace::room(const Line& line, Instant now) {
    if (now >= adapt_at_) {
        adapt(line);
        adapt_at_ = now + std::max(line.rtt, kAdaptInterval);
    }
    const std::size_t free = window_ - std::min(window_, line.under_way);
    // Many small frames would only cost more.
    const bool worthwhile = free >= std::min(kDataBytesMax, window_ / 2);
    was_full_ = was_full_ || !worthwhile;
    return worthwhile ? free : 0;
}

// Once a round trip: by as much as the round trip is shorter or longer than it should be.
void BulkPace::adapt(const Line& line) {
    const Duration waited = line.rtt - std::min(line.rtt, line.rtt_min);
    starting_ = starting_ && waited < kWaitSeen;
    const double wanted = static_cast<double>((line.rtt_min + kWaitWanted).count());
    const double seen = static_cast<double>(std::max(line.rtt, Duration(1)).count());
    const double factor = starting_ ? 2.0 : std::clamp(wanted / seen, 0.5, 2.0);
    // What was not used says nothing about what there is room for.
    if (factor > 1 && !was_full_) return;
    was_full_ = false;
    const double window = static_cast<double>(window_) * factor;
    window_ = std::clamp(static_cast<std::size_t>(window), kWindowMin, kWindowMax);
}

Duration BulkPace::pause(const Line& line) {
    constexpr Duration kShortest = std::chrono::milliseconds(1);
    constexpr Duration kLongest = std::chrono::milliseconds(20);
    return std::clamp(line.rtt / 8, kShortest, kLongest);
}

}  // namespace farhold::streams
