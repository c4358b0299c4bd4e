// SPDX-License-Identifier: Apache-2.0
//
// R1, P6: edgecore dies without warning; its pods do not notice, and all is well again after a start.
#include "tests/support/rig/site.hpp"

#include <cstdio>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)

TEST_CASE("edgecore: killed, its pod is untouched and adopted", "[faults][edgecore]") {
    Site site;
    site.run_pod("hello");
    const auto before = identities(site.runtime);
    REQUIRE(before.size() == 2);
    const std::size_t rounds = fault_rounds(5);
    for (std::size_t round = 0; round < rounds; ++round) {
        site.machine.kill();
        site.machine.start();
    }
    site.require_healed();
    CHECK(identities(site.runtime) == before);
    std::printf(
        "edgecore killed %zu times: pod untouched, adopted, cloud and machine agree\n", rounds
    );
}
