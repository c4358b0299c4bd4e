// SPDX-License-Identifier: Apache-2.0
//
// What most benchmarks need: a containerd, a cloudcore and one machine that is Ready, of the
// benchmark's own, and pods on it.
#pragma once

#include "api_session.hpp"
#include "common/base/time.hpp"
#include "tests/support/containerd/containerd_fixture.hpp"
#include "tests/support/rig/cloud.hpp"
#include "tests/support/rig/machine.hpp"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace farhold::bench {

inline const std::string kPods = "/api/v1/namespaces/default/pods";

// Follows the pods of the API and remembers when each was first told to be Running.
class PodTimes {
public:
    explicit PodTimes(const ApiAccess& access);

    // When the last of them was; throws after a minute and a half.
    Instant wait_running(const std::vector<std::string>& names);

private:
    void see(const json::Value& event);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Instant> running_;  // Never, while the pod is there but not Running.
    ApiWatch watch_;
};

class Stage {
public:
    // Standalone, or beside the cluster that the kubeconfig names.
    explicit Stage(const std::string& cluster_kubeconfig = {});

    test::ContainerdFixture runtime;
    test::Cloud cloud;
    test::Machine machine;

    ApiAccess admin() const;
    // The whole list as `edgecore status` shows it: all Running and ready?
    bool machine_runs(std::size_t pods) const;

    // Posts pods NAME-1 to NAME-count, one after the other, and waits until all are Running.
    void run_pods(const std::string& name, int count);
    void remove_pods();

private:
    test::CloudOptions cloud_options(const std::string& cluster_kubeconfig) const;
    test::MachineOptions machine_options() const;
};

// A small pod that sleeps, for POST.
std::string sleeping_pod(const std::string& name);

}  // namespace farhold::bench
