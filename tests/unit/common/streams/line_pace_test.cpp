// SPDX-License-Identifier: Apache-2.0
//
// The pace on lines that are counted out: bytes leave the narrowest place at its rate, and what waits
// there makes round trips longer.
#include "common/streams/line_pace.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <utility>

using namespace farhold;
using namespace farhold::streams;
using namespace std::chrono_literals;

namespace {

// Senders of both directions share the round trip; each direction has its own rate and queue.
class TwoWays {
public:
    TwoWays(double bits_per_second, Duration round_trip)
        : bytes_per_second_(bits_per_second / 8), round_trip_(round_trip) {}

    void run(Duration length, std::array<bool, 2> sends) {
        const Instant end = now_ + length;
        for (; now_ < end; now_ += 1ms) {
            for (Way& way : ways_) {
                while (!way.acks.empty() && way.acks.front().first <= now_) {
                    way.under_way -= way.acks.front().second;
                    way.carried += way.acks.front().second;
                    way.acks.pop_front();
                }
            }
            for (std::size_t i = 0; i < ways_.size(); ++i) {
                if (sends.at(i)) send(ways_.at(i));
            }
            longest_ = std::max(longest_, waiting());
        }
    }

    // In the queues of both directions.
    Duration waiting() const {
        Duration sum{};
        for (const Way& way : ways_) sum += std::max(way.free_at - now_, Duration(0));
        return sum;
    }
    Duration take_longest() { return std::exchange(longest_, Duration(0)); }
    double share(std::size_t way, Duration length) {
        const auto carried = static_cast<double>(std::exchange(ways_.at(way).carried, 0));
        return carried / (bytes_per_second_ * std::chrono::duration<double>(length).count());
    }

private:
    struct Way {
        LinePace pace;
        Instant free_at{};  // When what waits has left.
        std::deque<std::pair<Instant, std::size_t>> acks;
        std::size_t under_way = 0;
        std::size_t carried = 0;
    };

    void send(Way& way) {
        const net::LineState line{
            .rtt = round_trip_ + waiting(), .rtt_min = round_trip_, .bytes_under_way = way.under_way
        };
        const std::size_t bytes = std::min(way.pace.room(line, now_), 16UZ << 10U);
        if (bytes == 0) return;
        const std::chrono::duration<double> takes(static_cast<double>(bytes) / bytes_per_second_);
        way.free_at = std::max(way.free_at, now_) + std::chrono::duration_cast<Duration>(takes);
        way.under_way += bytes;
        way.acks.emplace_back(way.free_at + round_trip_, bytes);
    }

    double bytes_per_second_;
    Duration round_trip_;
    Instant now_ = Instant(1s);
    std::array<Way, 2> ways_;
    Duration longest_{};
};

}  // namespace

TEST_CASE("line_pace: a line is filled and little waits before it", "[streams]") {
    const auto [rate, round_trip] = GENERATE(
        std::pair(10e6, Duration(100ms)), std::pair(2e6, Duration(40ms)),
        std::pair(100e6, Duration(20ms)), std::pair(50e6, Duration(2ms))
    );
    TwoWays line(rate, round_trip);
    line.run(20s, {true, false});
    (void)line.take_longest();
    (void)line.share(0, 1s);
    line.run(20s, {true, false});
    INFO(rate << " bit/s, " << round_trip.count() << " ns");
    CHECK(line.share(0, 20s) > 0.8);
    CHECK(line.take_longest() < 100ms);
}

TEST_CASE("line_pace: two directions come to equal shares, and wait no longer", "[streams]") {
    TwoWays line(10e6, 100ms);
    line.run(20s, {true, false});
    line.run(60s, {true, true});
    (void)line.take_longest();
    (void)line.share(0, 1s);
    (void)line.share(1, 1s);
    line.run(20s, {true, true});
    const double first = line.share(0, 20s);
    const double second = line.share(1, 20s);
    CHECK(first > 0.6);
    CHECK(second > 0.6);
    CHECK(line.take_longest() < 40ms);
}

TEST_CASE("line_pace: a line that becomes slow is given less within a second", "[streams]") {
    LinePace pace;
    Instant now(1s);
    const auto may_send = [&](Duration rtt, std::size_t under_way) {
        return pace.room({.rtt = rtt, .rtt_min = 20ms, .bytes_under_way = under_way}, now) > 0;
    };
    for (int i = 0; i < 100; ++i) {
        (void)may_send(20ms, 4UZ << 20U);
        now += 20ms;
    }
    CHECK(may_send(20ms, 4'000'000));
    for (int i = 0; i < 6; ++i) {
        now += 200ms;
        (void)may_send(200ms, 4UZ << 20U);
    }
    CHECK_FALSE(may_send(200ms, 100'000));
    CHECK(may_send(200ms, 0));
}

TEST_CASE("line_pace: what is not used does not grow", "[streams]") {
    LinePace pace;
    Instant now(1s);
    for (int i = 0; i < 100; ++i) {
        const net::LineState idle{.rtt = 20ms, .rtt_min = 20ms, .bytes_under_way = 100};
        CHECK(pace.room(idle, now) == 8UZ << 10U);
        now += 20ms;
    }
    const net::LineState busy{.rtt = 20ms, .rtt_min = 20ms, .bytes_under_way = 16UZ << 10U};
    CHECK(pace.room(busy, now) == 0);
}
