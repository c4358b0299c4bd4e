// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/report_lanes.hpp"

#include "common/base/random.hpp"
#include "tests/support/catch.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

using namespace farhold;
using namespace farhold::hub;
using namespace std::chrono_literals;
using Kind = ApplyOutcome::Kind;
using tunnel::ReportClass;

namespace {

const Instant kStart{1s};

tunnel::Report report(std::string key, ReportClass cls = ReportClass::derived) {
    return {.cls = cls, .key = std::move(key), .uid = "u", .seq = 0, .body = "{}"};
}

std::vector<std::uint64_t> ordinals(const std::vector<NumberedReport>& reports) {
    std::vector<std::uint64_t> out;
    for (const NumberedReport& one : reports) {
        out.push_back(one.ordinal);
    }
    return out;
}

using Ordinals = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("report_lanes: one object is written by one report after the other", "[report_lanes]") {
    ReportLanes lanes(kStart);
    lanes.add(report("PodStatus/default/a"), kStart);
    lanes.add(report("PodGone/default/a"), kStart);
    lanes.add(report("PodStatus/default/b"), kStart);
    lanes.add(report("NodeStatus//edge-1"), kStart);
    CHECK(ordinals(lanes.take(kStart)) == Ordinals{1, 3, 4});
    CHECK(lanes.take(kStart).empty());
    CHECK(lanes.settle(1, {}, kStart)->key == "PodStatus/default/a");
    CHECK(ordinals(lanes.take(kStart)) == Ordinals{2});
}

TEST_CASE("report_lanes: is done with only what was taken or refused for good", "[report_lanes]") {
    ReportLanes lanes(kStart);
    for (const char* key : {"k/n/1", "k/n/2", "k/n/3", "k/n/4"}) {
        lanes.add(report(key), kStart);
    }
    lanes.take(kStart);
    CHECK(lanes.settle(1, {Kind::written, {}}, kStart));
    CHECK(lanes.settle(2, {Kind::superseded, {}}, kStart));
    CHECK(lanes.settle(3, {Kind::refused, "no"}, kStart));
    CHECK_FALSE(lanes.settle(4, {Kind::retry, "later"}, kStart));
    const auto acks = lanes.take_acks();
    CHECK(acks.handled == Ordinals{1, 2});
    CHECK(acks.refused == std::vector<tunnel::Refusal>{{3, "no"}});
    CHECK(lanes.size() == 1);
    CHECK(lanes.take_acks().handled.empty());
    // Nothing that take() did not give can be settled.
    CHECK_FALSE(lanes.settle(4, {}, kStart));
    CHECK_FALSE(lanes.settle(77, {}, kStart));
}

TEST_CASE(
    "report_lanes: tries again ever more rarely, and keeps the order meanwhile", "[report_lanes]"
) {
    ReportLanes lanes(kStart);
    lanes.add(report("k/n/a"), kStart);
    lanes.add(report("k/n/a"), kStart);
    Instant now = kStart;
    std::vector<Duration> waits;
    for (int i = 0; i < 8; ++i) {
        CHECK(ordinals(lanes.take(now)) == Ordinals{1});
        lanes.settle(1, {Kind::retry, {}}, now);
        waits.push_back(*lanes.wake_at() - now);
        CHECK(lanes.take(now + waits.back() - 1ns).empty());
        now += waits.back();
    }
    CHECK(waits == std::vector<Duration>{500ms, 1s, 2s, 4s, 8s, 10s, 10s, 10s});
}

TEST_CASE("report_lanes: takes as much as the window allows and no more", "[report_lanes]") {
    SECTION("in number") {
        ReportLanes lanes(kStart);
        for (std::size_t i = 0; i < tunnel::kReportWindow; ++i) {
            REQUIRE(lanes.add(report("k/n/" + std::to_string(i)), kStart));
        }
        CHECK_FALSE(lanes.add(report("k/n/more"), kStart));
    }
    SECTION("in bytes") {
        ReportLanes lanes(kStart);
        auto large = report("k/n/a");
        large.body.assign(tunnel::kReportWindowBytes - 6, 'x');
        CHECK(lanes.add(large, kStart));
        auto small = report("k/n/b");
        CHECK_FALSE(lanes.add(small, kStart));
    }
    SECTION("one alone whatever its size") {
        ReportLanes lanes(kStart);
        auto large = report("k/n/a");
        large.body.assign(tunnel::kReportWindowBytes, 'x');
        CHECK(lanes.add(large, kStart));
    }
}

TEST_CASE("report_lanes: works on a bounded number at a time", "[report_lanes]") {
    ReportLanes lanes(kStart);
    for (std::size_t i = 0; i <= kAppliesMax; ++i) {
        lanes.add(report("k/n/" + std::to_string(i)), kStart);
    }
    CHECK(lanes.take(kStart).size() == kAppliesMax);
    CHECK_FALSE(lanes.wake_at());
    lanes.settle(1, {}, kStart);
    CHECK(lanes.wake_at() == kStart);
    CHECK(lanes.take(kStart).size() == 1);
}

TEST_CASE("report_lanes: a machine that floods with events is refused them", "[report_lanes]") {
    ReportLanes lanes(kStart);
    const auto offer = [&lanes](Instant now) {
        REQUIRE(lanes.add(report("Event/default/e", ReportClass::event), now));
        for (const auto& taken : lanes.take(now)) {
            lanes.settle(taken.ordinal, {}, now);
        }
        return lanes.take_acks().refused.empty();
    };
    for (int i = 0; i < static_cast<int>(kEventBurst); ++i) {
        REQUIRE(offer(kStart));
    }
    CHECK_FALSE(offer(kStart));
    CHECK(offer(kStart + 1s));
    // States are not events.
    CHECK(lanes.add(report("PodStatus/default/a"), kStart + 1s));
    CHECK(lanes.take(kStart + 1s).size() == 1);
}

TEST_CASE(
    "report_lanes: whatever happens, each is done with once and lanes keep their order",
    "[report_lanes]"
) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        Random random(seed);
        ReportLanes lanes(kStart);
        Instant now = kStart;
        std::uint64_t added = 0;
        std::set<std::uint64_t> working;
        std::map<std::string, std::uint64_t> last;
        std::map<std::uint64_t, std::string> key_of;
        std::uint64_t done = 0;
        for (int i = 0; i < 2000 || lanes.size() > 0; ++i) {
            REQUIRE(i < 20'000);
            now += Duration(random.between(0, 400'000'000));
            if (i < 2000 && random.chance(0.4)) {
                const std::string key = "k/n/" + std::to_string(random.between(0, 5));
                if (lanes.add(report(key), now)) {
                    key_of[++added] = key;
                }
            }
            for (const auto& taken : lanes.take(now)) {
                REQUIRE(working.insert(taken.ordinal).second);
            }
            REQUIRE(working.size() <= kAppliesMax);
            if (!working.empty() && random.chance(0.7)) {
                auto which = working.begin();
                std::advance(which, static_cast<long>(random.between(0, working.size() - 1)));
                const std::uint64_t ordinal = *which;
                working.erase(which);
                if (lanes.settle(
                        ordinal, {random.chance(0.3) ? Kind::retry : Kind::written, {}}, now
                    )) {
                    ++done;
                    REQUIRE(last[key_of[ordinal]] < ordinal);
                    last[key_of[ordinal]] = ordinal;
                }
            }
        }
        CHECK(done == added);
        CHECK(lanes.take_acks().handled.size() == added);
    }
}
