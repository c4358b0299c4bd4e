// SPDX-License-Identifier: Apache-2.0
//
// N5, N6, N8: lines that work badly.
#include "common/json/value.hpp"
#include "link_site.hpp"

using namespace farhold;
using namespace farhold::test;  // NOLINT(google-build-using-namespace)

TEST_CASE("link: a line that loses 30 % of all packets is used", "[faults][link]") {
    LinkSite here;
    here.site.run_pod("hello");
    const auto before = identities(here.site.runtime);
    here.line.set_both({.delay = 20ms, .loss = 0.3, .duplication = 0.02, .reordering = 0.05});
    const Duration ran = time_until("a pod is started over it", 90s, [&] {
        if (here.site.cloud.pod_phase("lossy").empty()) {
            here.site.cloud.apply(pod_manifest("lossy"));
        }
        return here.site.cloud.pod_phase("lossy") == "Running";
    });
    const auto epoch = here.epoch();
    for_a_while(fault_rounds(1) > 1 ? 10min : 20s, [&] {
        CHECK(here.site.cloud.node_ready(here.site.machine.name()));
    });
    const auto sessions = here.epoch() - epoch;
    const auto lost = here.line.forward().lost + here.line.backward().lost;
    here.line.set_both({});
    here.site.require_healed();
    auto after = identities(here.site.runtime);
    std::erase_if(after, [](const auto& one) { return one.first.starts_with("default/lossy"); });
    CHECK(after == before);
    std::printf(
        "30 %% loss: a pod was Running after %.1f s, the node stayed Ready, %d new sessions, %d "
        "packets lost\n",
        to_seconds(ran), static_cast<int>(sessions), static_cast<int>(lost)
    );
}

TEST_CASE("link: 2 s of round trip and 64 kbit/s are no reason to hang up", "[faults][link]") {
    LinkSite here;
    here.site.run_pod("hello");
    const auto before = identities(here.site.runtime);
    here.line.set_both({.delay = 1s, .bits_per_second = 64'000, .queue_bytes = 32UZ << 10U});
    here.site.machine.kill();
    here.site.machine.start_without_waiting();
    const Duration connected =
        time_until("the machine connects", 60s, [&] { return here.site.machine.connected(); });
    CHECK(connected <= 15s);
    const auto epoch = here.epoch();
    // One object that takes longer on this line than a silence may last.
    apply_pod_with_data(here.site.cloud, "heavy", 150'000);
    for_a_while(fault_rounds(1) > 1 ? 30min : 60s, [&] {
        if (!here.site.machine.connected()) FAIL("hung up: " << here.trouble());
    });
    CHECK(here.epoch() == epoch);
    CHECK(here.site.cloud.node_ready(here.site.machine.name()));
    CHECK(here.site.cloud.pod_phase("heavy") == "Running");
    here.line.set_both({});
    here.site.require_healed();
    auto after = identities(here.site.runtime);
    std::erase_if(after, [](const auto& one) { return one.first.starts_with("default/heavy"); });
    CHECK(after == before);
    std::printf(
        "2 s round trip, 64 kbit/s: connected after %.1f s, and never hung up\n",
        to_seconds(connected)
    );
}

TEST_CASE("link: where large packets are lost the machine sends small ones", "[faults][link]") {
    LinkSite here;
    here.site.run_pod("hello");
    const auto before = identities(here.site.runtime);
    const LinkQuality hole{.packet_bytes_max = 1300};
    const auto why = "large packets are lost on the way to the hub";

    here.line.set_both(hole);
    here.site.machine.kill();
    here.site.machine.start_without_waiting();
    const Duration at_start =
        time_until("the machine connects", 60s, [&] { return here.site.machine.connected(); });
    CHECK(count_of(here.site.machine.log(), why) == 1);
    here.site.require_healed();

    // The hole opens under a session that has begun well.
    here.line.set_both({});
    here.site.machine.kill();
    here.site.machine.start();
    here.wait_connected(30s);
    here.site.require_healed();
    const auto epoch = here.epoch();
    here.line.set_both(hole);
    here.site.cloud.apply(pod_manifest("large"));
    const Duration in_session = time_until("a pod is started through the hole", 90s, [&] {
        return here.site.cloud.pod_phase("large") == "Running";
    });
    CHECK(here.epoch() > epoch);
    CHECK(count_of(here.site.machine.log(), why) == 2);
    here.site.require_healed();
    here.line.set_both({});
    auto after = identities(here.site.runtime);
    std::erase_if(after, [](const auto& one) { return one.first.starts_with("default/large"); });
    CHECK(after == before);
    std::printf(
        "large packets lost: connected after %.1f s; during a session, a pod Running after %.1f "
        "s\n",
        to_seconds(at_start), to_seconds(in_session)
    );
}
