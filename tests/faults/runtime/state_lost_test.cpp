// SPDX-License-Identifier: Apache-2.0
//
// C4, C6: what the runtime ran is lost, at once or one shim at a time. Every pod comes back once, its
// restart is counted, and the reason is told.
#include "tests/support/rig/runtime_view.hpp"
#include "tests/support/rig/site.hpp"

#include <csignal>
#include <cstdio>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

// Of a pod's only container.
farhold::json::Value container_status(const Site& site, const std::string& pod) {
    const auto object = site.cloud.get("/api/v1/namespaces/default/pods/" + pod);
    const auto& all = object.elements_at({"status", "containerStatuses"});
    return all.empty() ? farhold::json::Value() : all.front();
}

void require_restarted_once(const Site& site, const std::string& pod) {
    wait_until(pod + " is back, and its restart is told", 60s, [&] {
        const auto status = container_status(site, pod);
        return status.bool_at({"ready"}) && status.integer_at({"restartCount"}) == 1;
    });
    const auto status = container_status(site, pod);
    const auto reason = status.text_at({"lastState", "terminated", "reason"});
    INFO(status.dump());
    CHECK(!reason.empty());
}

}  // namespace

TEST_CASE("runtime: loses all it ran under a living edgecore", "[faults][runtime]") {
    Site site;
    for (const auto* pod : {"one", "two", "three"}) site.run_pod(pod);
    site.runtime.cut_power();
    site.runtime.start();
    for (const auto* pod : {"one", "two", "three"}) require_restarted_once(site, pod);
    site.require_healed();
    CHECK(identities(site.runtime).size() == 6);
    std::printf("container runtime lost 3 running pods: each came back once, restart told\n");
}

TEST_CASE("runtime: a shim dies alone", "[faults][runtime]") {
    Site site;
    site.run_pod("other");
    site.run_pod("victim", {.command = "exec sleep 987654321"});
    const auto before = identities(site.runtime);
    std::string sandbox;
    for (const auto& one : view_runtime(site.runtime.socket()).sandboxes) {
        if (one.pod == "default/victim") sandbox = one.id;
    }
    REQUIRE(!sandbox.empty());
    const auto shim = run({"pgrep", "-f", "containerd-shim.*-id " + sandbox});
    ::kill(std::stoi(shim), SIGKILL);
    require_restarted_once(site, "victim");
    site.require_healed();
    const auto after = identities(site.runtime);
    CHECK(after.at("default/other/main") == before.at("default/other/main"));
    // The orphan of the dead shim is not left beside the new one.
    const auto sleepers = run({"pgrep", "-xf", "sleep 987654321"});
    CHECK(sleepers == std::to_string(after.at("default/victim/main").pid) + "\n");
    std::printf("a shim was killed: its pod came back once, the other was not touched\n");
}
