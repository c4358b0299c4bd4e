// SPDX-License-Identifier: Apache-2.0
//
// R1, P6: edgecore dies without warning; its pods do not notice, and all is well again after a start.
#include "tests/support/rig/site.hpp"

#include <chrono>
#include <cstdio>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

// As edgecore itself has seen it since its start; until then it calls the pod's phase Unknown.
bool pod_is_seen_ready(Site& site) {
    const farhold::json::Value status = site.machine.status();
    const auto& pods = status.elements_at({"pods"});
    return pods.size() == 1 && pods.front().bool_at({"ready"});
}

}  // namespace

TEST_CASE("edgecore: killed, its pod is untouched and adopted", "[faults][edgecore]") {
    Site site;
    site.run_pod("hello");
    const auto before = identities(site.runtime);
    REQUIRE(before.size() == 2);
    const std::size_t rounds = fault_rounds(5);
    for (std::size_t round = 0; round < rounds; ++round) {
        site.machine.kill();
        site.machine.start();
        wait_until("edgecore has seen its pod", 30s, [&] { return pod_is_seen_ready(site); });
        REQUIRE(identities(site.runtime) == before);
        CHECK(site.machine.status().elements_at({"pods"}).front().integer_at({"restarts"}) == 0);
    }
    site.require_healed();
    CHECK(identities(site.runtime) == before);
    std::printf(
        "edgecore killed %zu times: pod untouched, adopted, cloud and machine agree\n", rounds
    );
}
