// SPDX-License-Identifier: Apache-2.0
//
// The usual stage of a fault test: a containerd, a cloudcore and one machine that is enrolled and
// Ready, all in one temporary folder, watched for doubled pods from the beginning.
#pragma once

#include "tests/support/catch.hpp"
#include "tests/support/containerd/containerd_fixture.hpp"
#include "tests/support/rig/cloud.hpp"
#include "tests/support/rig/invariants.hpp"
#include "tests/support/rig/machine.hpp"
#include "tests/support/rig/runtime_view.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

namespace farhold::test {

struct Site {
    // May change the options before anything is started.
    using Adjust = std::function<void(CloudOptions&, MachineOptions&)>;

    explicit Site(const Adjust& adjust = {})
        : Site(std::make_unique<ContainerdFixture>(), nullptr, adjust) {}
    // With the runtime of a test that needs its folder before.
    Site(ContainerdFixture& given, const Adjust& adjust) : Site(nullptr, &given, adjust) {}

    std::string folder() const { return runtime.folder(); }

    // Applies a pod and returns when the cloud calls it Running.
    void run_pod(const std::string& name, const PodOptions& options = {}) {
        cloud.apply(pod_manifest(name, options));
        wait_until("pod " + name + " runs", std::chrono::seconds(60), [&] {
            return cloud.pod_phase(name) == "Running";
        });
    }

    // The end of every fault test.
    void require_healed() {
        wait_until("cloud and machine agree", std::chrono::seconds(60), [this] {
            return not_converged(cloud, machine);
        });
        CHECK(observer.violation() == "");
        CHECK(observer.looks() > 0);
    }

private:
    std::unique_ptr<ContainerdFixture> own_;  // Empty when it was given.

public:
    ContainerdFixture& runtime;
    Cloud cloud;
    Machine machine;
    PodObserver observer;

private:
    Site(std::unique_ptr<ContainerdFixture> own, ContainerdFixture* given, const Adjust& adjust)
        : own_(std::move(own)),
          runtime(own_ ? *own_ : *given),
          cloud(options(adjust).first),
          machine(cloud, options(adjust).second),
          observer(runtime) {
        cloud.start();
        machine.join();
        machine.start();
        wait_until("the node is Ready", std::chrono::seconds(60), [this] {
            return cloud.node_ready(machine.name());
        });
    }

    std::pair<CloudOptions, MachineOptions> options(const Adjust& adjust) const {
        CloudOptions for_cloud;
        for_cloud.folder = folder();
        MachineOptions for_machine;
        for_machine.folder = folder();
        for_machine.runtime_socket = runtime.socket();
        for_machine.cgroup_parent = runtime.cgroup_parent() + "/edge-1";
        if (adjust) adjust(for_cloud, for_machine);
        return {for_cloud, for_machine};
    }
};

// What the runtime remembers of its containers, after it has lost those that ran.
inline void forget_containers(ContainerdFixture& runtime) {
    std::istringstream ids(runtime.ctr({"containers", "ls", "-q"}));
    for (std::string id; ids >> id;) runtime.ctr({"containers", "rm", id});
    runtime.kill();
    runtime.start();
    REQUIRE(view_runtime(runtime.socket()).sandboxes.empty());
}

}  // namespace farhold::test
