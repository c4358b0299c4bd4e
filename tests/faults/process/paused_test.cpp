// SPDX-License-Identifier: Apache-2.0
//
// R4, P6, P7, P8: a program is stopped for a while, as on a machine that sleeps or a host that swaps,
// and goes on as if no time had passed. Nothing is restarted, and the link is back at once.
#include "tests/support/rig/site.hpp"

#include <csignal>
#include <cstdio>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

constexpr auto kPause = 60s;

void let_time_pass(std::chrono::steady_clock::time_point end) {
    while (std::chrono::steady_clock::now() < end) pause_briefly(100);
}

}  // namespace

TEST_CASE("edgecore: stopped for a while", "[faults][edgecore]") {
    Site site;
    site.run_pod("steady");
    const auto before = identities(site.runtime);
    site.machine.signal(SIGSTOP);
    let_time_pass(std::chrono::steady_clock::now() + kPause);
    site.cloud.apply(pod_manifest("meanwhile"));
    site.machine.signal(SIGCONT);
    const auto woken = std::chrono::steady_clock::now();
    wait_until("cloud and machine agree", 30s, [&] {
        return site.cloud.pod_phase("meanwhile") == "Running"
                   ? not_converged(site.cloud, site.machine)
                   : "the pod that was applied meanwhile does not run";
    });
    const auto needed = std::chrono::duration<double>(std::chrono::steady_clock::now() - woken);
    const auto after = identities(site.runtime);
    for (const auto& [name, identity] : before) CHECK(after.at(name) == identity);
    site.require_healed();
    std::printf(
        "edgecore stopped for %d s: its pod was not restarted, and %.1f s after it went on all "
        "agrees and the pod that was applied meanwhile runs\n",
        static_cast<int>(kPause.count()), needed.count()
    );
}

TEST_CASE("cloudcore: stopped for a while", "[faults][cloudcore]") {
    Site site;
    site.run_pod("steady");
    site.run_pod("mortal");
    const auto before = identities(site.runtime);
    site.cloud.signal(SIGSTOP);
    const auto stopped = std::chrono::steady_clock::now();
    wait_until("the machine notices the silence", 15s, [&] { return !site.machine.connected(); });
    const auto noticed = std::chrono::duration<double>(std::chrono::steady_clock::now() - stopped);
    ::kill(before.at("default/mortal/main").pid, SIGKILL);
    wait_until("the container is restarted with nobody to ask", 30s, [&] {
        const auto now = identities(site.runtime);
        return now.contains("default/mortal/main") &&
               now.at("default/mortal/main") != before.at("default/mortal/main");
    });
    let_time_pass(stopped + kPause);
    site.cloud.signal(SIGCONT);
    const auto woken = std::chrono::steady_clock::now();
    wait_until("the link is back", 15s, [&] { return site.machine.connected(); });
    const auto needed = std::chrono::duration<double>(std::chrono::steady_clock::now() - woken);
    wait_until("the restart arrives", 30s, [&] {
        const auto pod = site.cloud.get("/api/v1/namespaces/default/pods/mortal");
        const auto& containers = pod.elements_at({"status", "containerStatuses"});
        return !containers.empty() && containers.front().integer_at({"restartCount"}) == 1;
    });
    CHECK(identities(site.runtime).at("default/steady/main") == before.at("default/steady/main"));
    site.require_healed();
    std::printf(
        "cloudcore stopped for %d s: noticed after %.1f s, pods went on and were restarted, and "
        "%.1f s after it went on the link was back\n",
        static_cast<int>(kPause.count()), noticed.count(), needed.count()
    );
}
