// SPDX-License-Identifier: Apache-2.0
//
// C7: the network's plugin is missing, fails or hangs. Pods wait with a reason and come up when it is
// well again; a pod that cannot give its address back does not hold up another.
#include "tests/support/rig/runtime_view.hpp"
#include "tests/support/rig/site.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

// Stands in for the bridge plugin: does what a file "ADD" or "DEL" beside it says, and is otherwise
// the plugin itself.
class StubbornPlugin {
public:
    explicit StubbornPlugin(const ContainerdFixture& runtime) : folder_(runtime.plugins()) {
        fs::rename(folder_ + "/bridge", folder_ + "/bridge.real");
        std::ofstream(folder_ + "/bridge")
            << "#!/bin/sh\n"
               "fault=$(dirname \"$0\")/$CNI_COMMAND\n"
               "while [ \"$(cat \"$fault\" 2>/dev/null)\" = hang ]; "
               "do sleep 0.2; done\n"
               "if [ \"$(cat \"$fault\" 2>/dev/null)\" = fail ]; then "
               "echo '{\"cniVersion\":\"0.4.0\",\"code\":99,"
               "\"msg\":\"out of order\"}'; exit 1; fi\n"
               "exec \"$0.real\"\n";
        fs::permissions(folder_ + "/bridge", fs::perms::owner_all);
    }
    void set(const std::string& command, const std::string& fault) const {
        std::ofstream(folder_ + "/" + command) << fault << "\n";
    }
    void heal(const std::string& command) const { fs::remove(folder_ + "/" + command); }

private:
    std::string folder_;
};

bool has_event(const Site& site, const std::string& pod, const std::string& reason) {
    const auto events = site.cloud.get("/api/v1/namespaces/default/events");
    return std::ranges::any_of(events.elements_at({"items"}), [&](const auto& event) {
        return event.text_at({"involvedObject", "name"}) == pod &&
               event.text_at({"reason"}) == reason;
    });
}

std::size_t sandboxes_of(const Site& site, const std::string& pod) {
    std::size_t found = 0;
    for (const auto& one : view_runtime(site.runtime.socket()).sandboxes) {
        if (one.pod == "default/" + pod) ++found;
    }
    return found;
}

void require_gone(const Site& site, const std::string& pod) {
    wait_until("pod " + pod + " is gone", 90s, [&] {
        return site.cloud.pod_phase(pod).empty() && sandboxes_of(site, pod) == 0;
    });
}

}  // namespace

TEST_CASE("network: a plugin that fails or hangs in ADD delays its pod alone", "[faults]") {
    Site site;
    const StubbornPlugin plugin(site.runtime);
    site.run_pod("hello");
    const auto before = identities(site.runtime);

    plugin.set("ADD", "fail");
    site.cloud.apply(pod_manifest("failing"));
    wait_until("the failure is told", 30s, [&] {
        return has_event(site, "failing", "FailedCreatePodSandBox");
    });
    plugin.heal("ADD");
    site.run_pod("failing");

    plugin.set("ADD", "hang");
    site.cloud.apply(pod_manifest("hanging"));
    wait_until("the plugin hangs", 30s, [&] {
        return run_to_end({"pgrep", "-f", site.runtime.plugins() + "/bridge"}).exit_code == 0;
    });
    // Killed while the plugin works: the start goes on without edgecore, and is found or undone.
    site.machine.kill();
    site.machine.start();
    CHECK(site.cloud.pod_phase("hanging") != "Running");
    plugin.heal("ADD");
    site.run_pod("hanging");
    site.require_healed();
    CHECK(sandboxes_of(site, "failing") == 1);
    CHECK(sandboxes_of(site, "hanging") == 1);
    for (const auto& [name, identity] : before)
        CHECK(identities(site.runtime).at(name) == identity);
    std::printf("network plugin failed and hung in ADD: both pods came up when it was well\n");
}

TEST_CASE("network: a plugin that fails or hangs in DEL holds up no other pod", "[faults]") {
    Site site;
    const StubbornPlugin plugin(site.runtime);
    for (const auto* fault : {"fail", "hang"}) {
        const std::string leaving = std::string("leaving-") + fault;
        const std::string coming = std::string("coming-") + fault;
        site.run_pod(leaving);
        plugin.set("DEL", fault);
        site.cloud.kubectl({"delete", "pod", leaving, "--wait=false"});
        site.run_pod(coming);
        CHECK(sandboxes_of(site, leaving) == 1);
        plugin.heal("DEL");
        require_gone(site, leaving);
    }
    site.require_healed();
    std::printf("network plugin failed and hung in DEL: other pods came up meanwhile\n");
}

TEST_CASE("network: its configuration is missing, then there", "[faults]") {
    Site site;
    site.run_pod("hello");
    const auto before = identities(site.runtime);
    const std::string config = read_text(site.runtime.network_config());
    fs::remove(site.runtime.network_config());
    wait_until("the node is NotReady", 40s, [&] {
        return !site.cloud.node_ready(site.machine.name());
    });
    site.cloud.apply(pod_manifest("waiting", {.node = site.machine.name()}));
    wait_until("the failure is told", 30s, [&] {
        return has_event(site, "waiting", "FailedCreatePodSandBox");
    });
    std::ofstream(site.runtime.network_config()) << config;
    wait_until("the pod that waited runs", 60s, [&] {
        return site.cloud.pod_phase("waiting") == "Running";
    });
    site.require_healed();
    for (const auto& [name, identity] : before)
        CHECK(identities(site.runtime).at(name) == identity);
    std::printf("network configuration went and came: the pod that waited for it runs\n");
}
