// SPDX-License-Identifier: Apache-2.0
//
// C1, C2: the container runtime is killed, or hangs. Its pods do not notice, nothing is taken for
// gone because it cannot be seen, and what was asked meanwhile is done afterwards.
#include "tests/support/rig/site.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

std::size_t count(const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
}

// The Ready condition as the cloud has it: "STATUS REASON: MESSAGE".
std::string readiness(const Site& site) {
    const auto node = site.cloud.get("/api/v1/nodes/" + site.machine.name());
    for (const auto& one : node.elements_at({"status", "conditions"})) {
        if (one.text_at({"type"}) != "Ready") continue;
        return std::string(one.text_at({"status"})) + " " + std::string(one.text_at({"reason"})) +
               ": " + std::string(one.text_at({"message"}));
    }
    return {};
}

// What the node tells of its runtime beyond whether it is ready.
farhold::json::Value node_knowledge(const Site& site) {
    const auto node = site.cloud.get("/api/v1/nodes/" + site.machine.name());
    return farhold::json::Value::make_array(
        {*node.at_path({"status", "images"}),
         *node.at_path({"status", "nodeInfo", "containerRuntimeVersion"})}
    );
}

void require_gone(const Site& site, const std::string& pod) {
    wait_until("pod " + pod + " is gone", 60s, [&] { return site.cloud.pod_phase(pod).empty(); });
}

}  // namespace

TEST_CASE("runtime: killed and started again, its pods are untouched", "[faults][runtime]") {
    Site site;
    site.run_pod("hello");
    const auto before = identities(site.runtime);
    REQUIRE(before.size() == 2);
    const std::size_t rounds = std::min<std::size_t>(fault_rounds(3), 25);
    for (std::size_t round = 0; round < rounds; ++round) {
        const std::string name = "during-" + std::to_string(round);
        site.runtime.kill();
        site.cloud.apply(pod_manifest(name));
        wait_until("edgecore notices that the runtime is away", 30s, [&] {
            return count(site.machine.log(), "container runtime is away") == round + 1;
        });
        CHECK(site.cloud.pod_phase("hello") == "Running");
        site.runtime.start();
        site.run_pod(name);
        site.cloud.kubectl({"delete", "pod", name, "--wait=false"});
        require_gone(site, name);
    }
    site.require_healed();
    CHECK(identities(site.runtime) == before);
    // A fault is said once, and its end once.
    CHECK(count(site.machine.log(), "container runtime connected") == rounds + 1);
    std::printf(
        "container runtime killed %zu times: pods untouched, and those asked for meanwhile ran\n",
        rounds
    );
}

TEST_CASE("runtime: hangs, and nothing is taken for gone", "[faults][runtime]") {
    Site site;
    site.run_pod("hello");
    site.run_pod("doomed");
    const auto before = identities(site.runtime);
    REQUIRE(before.size() == 4);
    const auto hello = site.cloud.get("/api/v1/namespaces/default/pods/hello");
    const auto known = node_knowledge(site);

    site.runtime.signal(SIGSTOP);
    const auto begin = std::chrono::steady_clock::now();
    site.cloud.apply(pod_manifest("later"));
    site.cloud.kubectl({"delete", "pod", "doomed", "--wait=false"});
    wait_until("the node is NotReady because of its runtime", 40s, [&] {
        return readiness(site).starts_with("False KubeletNotReady: container runtime");
    });
    const auto seen = std::chrono::steady_clock::now() - begin;
    // In a long run the hang is longer than every short deadline.
    const auto hang = fault_rounds(1) > 1 ? 120s : 35s;
    while (std::chrono::steady_clock::now() - begin < hang) {
        pause_briefly(500);
        CHECK(site.cloud.pod_phase("hello") == "Running");
        CHECK(!site.cloud.pod_phase("doomed").empty());
        CHECK(site.machine.connected());
    }
    CHECK(node_knowledge(site) == known);
    site.runtime.signal(SIGCONT);

    wait_until("the node is Ready again", 30s, [&] {
        return site.cloud.node_ready(site.machine.name());
    });
    site.run_pod("later");
    require_gone(site, "doomed");
    site.require_healed();
    auto after = identities(site.runtime);
    REQUIRE(after.size() == 4);
    for (const auto* name : {"default/hello/", "default/hello/main"}) {
        CHECK(after.at(name) == before.at(name));
    }
    const auto now = site.cloud.get("/api/v1/namespaces/default/pods/hello");
    CHECK(
        now.elements_at({"status", "containerStatuses"}) ==
        hello.elements_at({"status", "containerStatuses"})
    );
    std::printf(
        "container runtime hung for %lld s: NotReady after %lld s, pod untouched, then all done\n",
        static_cast<long long>(hang.count()),
        static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(seen).count())
    );
}
