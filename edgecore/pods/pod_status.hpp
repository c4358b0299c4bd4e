// SPDX-License-Identifier: Apache-2.0
//
// Pure: the `status` of a pod as kubelet writes it, from its life cycle. The same state always gives
// the same text, so an unchanged status can be told from a changed one by comparing.
#pragma once

#include "common/json/value.hpp"
#include "edgecore/pods/pod_lifecycle.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace farhold::pods {

struct StatusFacts {
    std::vector<std::string> host_ips;
    std::vector<std::string> pod_ips;    // The last ones known; a finished pod keeps them.
    std::string runtime = "containerd";  // The scheme of container ids.
    WallTime now;
};

struct PodStatus {
    json::Value status;
    std::string phase;
    bool ready = false;
    std::uint32_t restarts = 0;
};

// Only for a pod whose spec is known. Notes in the life cycle's memory since when each condition has
// been as it is. The condition PodScheduled belongs to the scheduler and is left out.
PodStatus make_pod_status(PodLifecycle& lifecycle, const StatusFacts& facts);

// The one thing to tell people of such a status, as kubectl does: why the pod failed, else why its
// first container that does not run does not. Empty when there is nothing to tell.
WaitingReason main_reason(const json::Value& status);

}  // namespace farhold::pods
