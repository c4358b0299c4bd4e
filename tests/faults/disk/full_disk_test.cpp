// SPDX-License-Identifier: Apache-2.0
//
// D4, P12: the disk of edgecore is full. Its pods go on, the machine says so (condition, event,
// status), and when there is room again it goes on without a restart.
#include "tests/support/rig/loop_disk.hpp"
#include "tests/support/rig/site.hpp"

#include <cstdio>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

std::string disk_pressure(const Site& site) {
    const auto node = site.cloud.get("/api/v1/nodes/" + site.machine.name());
    for (const auto& condition : node.elements_at({"status", "conditions"})) {
        if (condition.text_at({"type"}) == "DiskPressure") {
            return std::string(condition.text_at({"status"}));
        }
    }
    return {};
}

bool has_event(const Site& site, const std::string& reason) {
    for (const auto& event : site.cloud.get("/api/v1/events").elements_at({"items"})) {
        if (event.text_at({"reason"}) == reason &&
            event.text_at({"involvedObject", "name"}) == site.machine.name()) {
            return true;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("edgecore: its disk is full", "[faults][edgecore]") {
    ContainerdFixture runtime;
    LoopDisk disk(runtime.folder(), "disk", 32);
    Site site(runtime, [&](CloudOptions&, MachineOptions& machine) {
        machine.data_dir = disk.path() + "/edge";
    });
    site.run_pod("witness");
    const auto witness = identities(runtime);
    const auto process = site.machine.process().pid();
    const auto integrity = [&] {
        return std::string(site.machine.status().text_at({"store", "integrity"}));
    };
    const std::size_t rounds = fault_rounds(2, 20);
    for (std::size_t round = 0; round < rounds; ++round) {
        INFO("round " << round);
        const std::string name = "late-" + std::to_string(round);
        const std::string leaver = "leaver-" + std::to_string(round);
        site.run_pod(leaver);
        disk.fill();
        site.cloud.apply(pod_manifest(name, {.node = site.machine.name()}));
        wait_until("the node tells DiskPressure", 60s, [&] {
            return disk_pressure(site) == "True";
        });
        wait_until("status tells it", 30s, [&] { return integrity() != "ok"; });
        wait_until("there is an event", 30s, [&] { return has_event(site, "DiskFull"); });
        CHECK(identities(runtime).at("default/witness/main") == witness.at("default/witness/main"));
        // What makes the store smaller, and what must not be lost, has its place in the reserve.
        site.cloud.kubectl({"delete", "pod", leaver, "--wait=false"});
        wait_until(leaver + " goes", 60s, [&] { return site.cloud.pod_phase(leaver).empty(); });
        CHECK(integrity() != "ok");
        disk.make_room();
        wait_until("the node tells that it is over", 60s, [&] {
            return disk_pressure(site) == "False";
        });
        wait_until("status tells that all is well", 30s, [&] { return integrity() == "ok"; });
        wait_until(name + " runs", 60s, [&] { return site.cloud.pod_phase(name) == "Running"; });
        site.cloud.kubectl({"delete", "pod", name});
        site.require_healed();
    }
    CHECK(identities(runtime) == witness);
    CHECK(site.machine.process().pid() == process);
    CHECK(site.machine.running());
    std::printf(
        "the disk was full %zu times: the pod was untouched, the node told DiskPressure, and with "
        "room "
        "again all went on without a restart\n",
        rounds
    );
}
