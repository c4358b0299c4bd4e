// SPDX-License-Identifier: Apache-2.0
#include "tests/support/link_emulator/packet_schedule.hpp"

#include "tests/support/catch.hpp"

#include <vector>

using namespace farhold;
using namespace farhold::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kPacket = 1000;
constexpr int kMany = 10'000;

Instant at(Duration since) {
    return Instant(1h) + since;
}

// What becomes of many packets, one each millisecond.
std::vector<std::vector<Instant>> fates(std::uint64_t seed, LinkQuality quality) {
    PacketSchedule schedule(seed);
    schedule.set(quality);
    std::vector<std::vector<Instant>> all;
    for (int i = 0; i < kMany; ++i) all.push_back(schedule.pass(kPacket, at(i * 1ms)));
    return all;
}

}  // namespace

TEST_CASE("packet_schedule: a good line passes everything at once", "[link_emulator]") {
    PacketSchedule schedule(1);
    CHECK(schedule.pass(1500, at(3ms)) == std::vector<Instant>{at(3ms)});
}

TEST_CASE("packet_schedule: the same seed gives the same fate", "[link_emulator]") {
    const LinkQuality bad{.delay = 20ms, .loss = 0.3, .duplication = 0.1, .reordering = 0.2};
    CHECK(fates(7, bad) == fates(7, bad));
    CHECK(fates(7, bad) != fates(8, bad));
}

TEST_CASE("packet_schedule: loses and doubles the share that it was told", "[link_emulator]") {
    int lost = 0;
    int doubled = 0;
    for (const auto& copies : fates(3, {.loss = 0.3, .duplication = 0.1})) {
        lost += copies.empty() ? 1 : 0;
        doubled += copies.size() == 2 ? 1 : 0;
    }
    CHECK(lost == Approx(kMany * 0.3).epsilon(0.05));
    CHECK(doubled == Approx(kMany * 0.7 * 0.1).epsilon(0.1));
}

TEST_CASE("packet_schedule: some packets are overtaken", "[link_emulator]") {
    int overtaken = 0;
    Instant latest{};
    for (const auto& copies : fates(3, {.delay = 10ms, .reordering = 0.1})) {
        REQUIRE(copies.size() == 1);
        overtaken += copies[0] < latest ? 1 : 0;
        latest = std::max(latest, copies[0]);
    }
    CHECK(overtaken > kMany / 20);
}

TEST_CASE("packet_schedule: a slow line queues, and loses what does not fit", "[link_emulator]") {
    PacketSchedule schedule(1);
    schedule.set({.delay = 1s, .bits_per_second = 8000, .queue_bytes = 2000});
    // A thousand bytes take a second.
    CHECK(schedule.pass(kPacket, at(0s)) == std::vector<Instant>{at(2s)});
    CHECK(schedule.pass(kPacket, at(0s)) == std::vector<Instant>{at(3s)});
    CHECK(schedule.pass(kPacket, at(0s)) == std::vector<Instant>{at(4s)});
    CHECK(schedule.pass(kPacket, at(0s)).empty());
    CHECK(schedule.pass(kPacket, at(1s)) == std::vector<Instant>{at(5s)});
    // After a rest nothing waits any more.
    CHECK(schedule.pass(kPacket, at(10s)) == std::vector<Instant>{at(12s)});
}

TEST_CASE("packet_schedule: packets beyond the limit vanish, others pass", "[link_emulator]") {
    PacketSchedule schedule(1);
    schedule.set({.packet_bytes_max = 1300});
    CHECK(schedule.pass(1300, at(0s)).size() == 1);
    CHECK(schedule.pass(1301, at(0s)).empty());
    schedule.set({.black_hole = true});
    CHECK(schedule.pass(60, at(0s)).empty());
    schedule.set({});
    CHECK(schedule.pass(60, at(0s)).size() == 1);
}
