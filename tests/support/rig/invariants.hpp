// SPDX-License-Identifier: Apache-2.0
//
// What must hold at the end of every fault test, or at every moment of it. Each answers "" or says
// for people what is wrong.
#pragma once

#include "tests/support/containerd/containerd_fixture.hpp"
#include "tests/support/rig/cloud.hpp"
#include "tests/support/rig/machine.hpp"

#include <sys/types.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace farhold::test {

// The fault has healed: the link is connected, no report waits, and cloud and machine tell the same
// of every pod. For wait_until.
std::string not_converged(const Cloud& cloud, const Machine& machine);

// Looks at the runtime all the time: a pod never has two sandboxes, a container never two running
// instances.
class PodObserver {
public:
    explicit PodObserver(const ContainerdFixture& runtime);
    PodObserver(const PodObserver&) = delete;
    PodObserver& operator=(const PodObserver&) = delete;
    ~PodObserver();

    std::string violation() const;
    int looks() const { return looks_; }

private:
    void watch(const std::string& socket);

    mutable std::mutex mutex_;
    std::string violation_;
    std::atomic<int> looks_ = 0;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

struct ContainerIdentity {
    std::string id;
    ::pid_t pid = 0;
    std::string started;  // Of the process, in the kernel's ticks since boot.

    bool operator==(const ContainerIdentity&) const = default;
};

// Everything that runs, by "NAMESPACE/POD/CONTAINER"; a sandbox has no container's name. Equal before
// and after a fault: nothing was restarted.
std::map<std::string, ContainerIdentity> identities(ContainerdFixture& runtime);

}  // namespace farhold::test
