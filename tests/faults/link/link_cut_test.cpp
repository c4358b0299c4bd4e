// SPDX-License-Identifier: Apache-2.0
//
// N1 to N4, N11, P7: the line is cut in every way there is. Both ends notice it within 10 s, the
// machine is back within 5 s of its return, and no pod notices anything.
#include "link_site.hpp"

#include <functional>

using namespace farhold;
using namespace farhold::test;  // NOLINT(google-build-using-namespace)

namespace {

// The hub has 2 s more for a goodbye that it cannot get rid of.
constexpr Duration kNoticed = 10s;
constexpr Duration kHungUp = 12s;
constexpr Duration kBack = 5s;

struct Times {
    Duration edge_noticed;
    Duration cloud_noticed;
    Duration back;
};

// Cuts, waits until both ends know, mends, and waits until the machine is back.
Times cut_and_mend(
    LinkSite& here, const std::function<void()>& cut, const std::function<void()>& mend
) {
    // A session that is long enough for pings to have been answered.
    wait_until("a round trip was measured", 30s, [&] {
        return here.site.machine.status().at_path({"link", "rttMs"})->is_number();
    });
    Times times{};
    cut();
    const auto start = std::chrono::steady_clock::now();
    bool edge_knows = false;
    bool cloud_knows = false;
    wait_until("both ends notice the cut", 30s, [&] {
        const Duration passed = std::chrono::steady_clock::now() - start;
        if (!edge_knows && !here.site.machine.connected()) {
            edge_knows = true;
            times.edge_noticed = passed;
        }
        if (!cloud_knows && here.cloud_sessions() == 0) {
            cloud_knows = true;
            times.cloud_noticed = passed;
        }
        return edge_knows && cloud_knows;
    });
    // Long enough for the back-off to have grown, if it did.
    for_a_while(fault_rounds(1) > 1 ? 60s : 4s, [] {});
    mend();
    times.back =
        time_until("the machine is back", 30s, [&] { return here.site.machine.connected(); });
    return times;
}

void check_and_tell(const char* what, const Times& times, Duration cloud_limit = kNoticed) {
    std::printf(
        "%s: noticed by the machine after %.1f s and by the cloud after %.1f s, back %.1f s after "
        "its end\n",
        what, to_seconds(times.edge_noticed), to_seconds(times.cloud_noticed),
        to_seconds(times.back)
    );
    CHECK(times.edge_noticed <= kNoticed + kSlack);
    CHECK(times.cloud_noticed <= cloud_limit + kSlack);
    CHECK(times.back <= kBack);
}

}  // namespace

TEST_CASE("link: a cut of every kind is noticed in 10 s and over in 5 s", "[faults][link]") {
    LinkSite here;
    here.site.run_pod("hello");
    const auto before = identities(here.site.runtime);
    REQUIRE(before.size() == 2);
    LinkEmulator& line = here.line;

    check_and_tell(
        "interface down", cut_and_mend(
                              here, [&] { line.set_down(true); }, [&] { line.set_down(false); }
                          )
    );
    check_and_tell(
        "black hole towards the cloud",
        cut_and_mend(
            here, [&] { line.set_forward({.black_hole = true}); }, [&] { line.set_forward({}); }
        )
    );
    check_and_tell(
        "black hole towards the machine",
        cut_and_mend(
            here, [&] { line.set_backward({.black_hole = true}); }, [&] { line.set_backward({}); }
        )
    );
    check_and_tell(
        "black hole in the middle of a transfer to the machine",
        cut_and_mend(
            here,
            [&] {
                line.set_backward({.delay = 20ms, .bits_per_second = 256'000});
                apply_pod_with_data(here.site.cloud, "heavy", 900'000);
                for_a_while(3s, [] {});
                line.set_backward({.black_hole = true});
            },
            [&] { line.set_backward({}); }
        ),
        kHungUp
    );
    here.site.require_healed();
    wait_until("the heavy pod runs", 60s, [&] {
        return here.site.cloud.pod_phase("heavy") == "Running";
    });
    auto after = identities(here.site.runtime);
    std::erase_if(after, [](const auto& one) { return one.first.starts_with("default/heavy"); });
    CHECK(after == before);
}

TEST_CASE("link: a hub that is replaced behind a black hole is found again", "[faults][link]") {
    LinkSite here;
    here.site.run_pod("hello");
    const auto before = identities(here.site.runtime);
    const auto epoch = here.epoch();
    // Half-open: the end of the old hub's connection never reaches the machine.
    here.line.set_backward({.black_hole = true});
    here.site.cloud.kill();
    here.site.cloud.start();
    const Duration noticed =
        time_until("the machine notices", 30s, [&] { return !here.site.machine.connected(); });
    CHECK(noticed <= kNoticed + kSlack);
    here.line.set_backward({});
    const Duration back =
        time_until("the machine is back", 30s, [&] { return here.site.machine.connected(); });
    CHECK(back <= kBack);
    CHECK(here.epoch() > epoch);
    here.site.require_healed();
    CHECK(identities(here.site.runtime) == before);
    std::printf(
        "half-open to a dead hub: noticed after %.1f s, at the new one after %.1f s\n",
        to_seconds(noticed), to_seconds(back)
    );
}

TEST_CASE("link: work goes on over a link that flaps each second", "[faults][link]") {
    LinkSite here;
    here.site.run_pod("hello");
    const auto before = identities(here.site.runtime);
    const auto epoch = here.epoch();
    const int flaps = fault_rounds(1) > 1 ? 300 : 10;
    here.site.cloud.apply(pod_manifest("meanwhile"));
    for (int i = 0; i < flaps; ++i) {
        here.line.set_down(true);
        for_a_while(1s, [] {});
        here.line.set_down(false);
        for_a_while(1s, [] {});
        // What was asked for is done meanwhile, not after it.
        if (i == flaps - 1) CHECK(here.site.cloud.pod_phase("meanwhile") == "Running");
    }
    const auto sessions = here.epoch() - epoch;
    CHECK(sessions <= 2 * flaps);
    here.site.require_healed();
    auto after = identities(here.site.runtime);
    std::erase_if(after, [](const auto& one) {
        return one.first.starts_with("default/meanwhile");
    });
    CHECK(after == before);
    std::printf(
        "%d flaps of a second: a pod was started meanwhile, %d new sessions\n", flaps,
        static_cast<int>(sessions)
    );
}
