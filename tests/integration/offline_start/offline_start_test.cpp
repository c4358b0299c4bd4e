// SPDX-License-Identifier: Apache-2.0
//
// P5: the machine has lost its power, every container and all that the runtime knew but its images,
// and no hub is there: ten pods come back from the machine's own disk, and the cloud learns of their
// restarts when it is there again.
#include "tests/support/rig/site.hpp"

#include <algorithm>
#include <cstdio>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

constexpr int kPods = 10;

std::string pod_name(int number) {
    return "pod-" + std::to_string(number);
}

bool all_back(const farhold::json::Value& status) {
    const auto& pods = status.elements_at({"pods"});
    return pods.size() == kPods && std::ranges::all_of(pods, [](const auto& pod) {
               return pod.bool_at({"ready"}) && pod.integer_at({"restarts"}) == 1;
           });
}

}  // namespace

TEST_CASE("offline start: ten pods come back from the machine's disk alone", "[offline]") {
    Site site;
    for (int number = 1; number <= kPods; ++number) {
        site.cloud.apply(pod_manifest(pod_name(number)));
    }
    for (int number = 1; number <= kPods; ++number) {
        wait_until(pod_name(number) + " runs", 60s, [&] {
            return site.cloud.pod_phase(pod_name(number)) == "Running";
        });
    }
    site.require_healed();
    site.cloud.kill();
    site.machine.kill();
    site.runtime.cut_power();
    site.runtime.start();
    forget_containers(site.runtime);

    const auto begin = std::chrono::steady_clock::now();
    site.machine.start();
    wait_until("all pods run without a hub", 60s, [&] { return all_back(site.machine.status()); });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    CHECK(identities(site.runtime).size() == 2 * kPods);
    CHECK(!site.machine.connected());

    site.cloud.start();
    wait_until("the restarts arrive", 60s, [&] {
        const auto list = site.cloud.get("/api/v1/namespaces/default/pods");
        const auto& pods = list.elements_at({"items"});
        return pods.size() == kPods && std::ranges::all_of(pods, [](const auto& pod) {
                   const auto& all = pod.elements_at({"status", "containerStatuses"});
                   return all.size() == 1 && all.front().integer_at({"restartCount"}) == 1;
               });
    });
    site.require_healed();
    std::printf("offline start: %d pods back from the disk alone in %.1f s\n", kPods, took.count());
}
