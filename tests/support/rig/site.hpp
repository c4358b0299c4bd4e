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

#include <chrono>
#include <functional>
#include <string>

namespace farhold::test {

struct Site {
    // `adjust` may change the options before anything is started.
    explicit Site(const std::function<void(CloudOptions&, MachineOptions&)>& adjust = {})
        : cloud(cloud_options(adjust)), machine(cloud, machine_options(adjust)), observer(runtime) {
        using namespace std::chrono_literals;
        cloud.start();
        machine.join();
        machine.start();
        wait_until("the node is Ready", 60s, [this] { return cloud.node_ready(machine.name()); });
    }

    std::string folder() const { return runtime.folder(); }

    // Applies a pod and returns when the cloud calls it Running.
    void run_pod(const std::string& name, const PodOptions& options = {}) {
        using namespace std::chrono_literals;
        cloud.apply(pod_manifest(name, options));
        wait_until("pod " + name + " runs", 60s, [&] {
            return cloud.pod_phase(name) == "Running";
        });
    }

    // The end of every fault test.
    void require_healed() {
        using namespace std::chrono_literals;
        wait_until("cloud and machine agree", 60s, [this] {
            return not_converged(cloud, machine);
        });
        CHECK(observer.violation() == "");
        CHECK(observer.looks() > 0);
    }

    ContainerdFixture runtime;
    Cloud cloud;
    Machine machine;
    PodObserver observer;

private:
    using Adjust = std::function<void(CloudOptions&, MachineOptions&)>;

    CloudOptions cloud_options(const Adjust& adjust) { return options(adjust).first; }
    MachineOptions machine_options(const Adjust& adjust) { return options(adjust).second; }
    std::pair<CloudOptions, MachineOptions> options(const Adjust& adjust) {
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

}  // namespace farhold::test
