// SPDX-License-Identifier: Apache-2.0
//
// The main job as a user sees it: a pod is applied, runs, its process dies and is started again, and it
// is deleted. Meanwhile one of the programs may die at any moment; the test starts it again.
#pragma once

#include "tests/support/rig/runtime_view.hpp"
#include "tests/support/rig/site.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <string>

namespace farhold::test {

// `revive` is called again and again; it starts what has died.
inline void live_a_pods_life(
    Site& site, const std::string& name, const std::function<void()>& revive
) {
    using namespace std::chrono_literals;
    const std::string path = "/api/v1/namespaces/default/pods/" + name;
    std::string lost;
    const auto pod = [&] {
        json::Value object = site.cloud.get(path);
        if (object.is_null()) lost = name + " was accepted and is gone";
        return object;
    };
    const auto restarts = [&] {
        const json::Value object = pod();
        const auto& containers = object.elements_at({"status", "containerStatuses"});
        return containers.empty() ? -1 : containers.front().integer_at({"restartCount"});
    };
    const auto until = [&](const std::string& what, const auto& condition) {
        wait_until(name + " " + what, 90s, [&] {
            revive();
            return condition();
        });
        REQUIRE(lost == "");
    };
    until("is applied", [&] {
        site.cloud.apply(pod_manifest(name, {.node = site.machine.name()}));
        return true;
    });
    until("runs", [&] { return pod().text_at({"status", "phase"}) == "Running"; });
    const auto before = identities(site.runtime);
    ::kill(before.at("default/" + name + "/main").pid, SIGKILL);
    std::int64_t restarted = 0;
    until("is started again", [&] {
        restarted = restarts();
        return restarted >= 1 && identities(site.runtime).contains("default/" + name + "/main");
    });
    // Its process died once, so it was started again once: not never, not twice.
    CHECK(restarted == 1);
    until("is deleted", [&] {
        site.cloud.kubectl({"delete", "pod", name, "--wait=false", "--ignore-not-found"});
        return true;
    });
    until("is gone", [&] {
        for (const SandboxView& sandbox : view_runtime(site.runtime.socket()).sandboxes) {
            if (sandbox.pod == "default/" + name) return false;
        }
        return site.cloud.get(path).is_null();
    });
    revive();
}

}  // namespace farhold::test
