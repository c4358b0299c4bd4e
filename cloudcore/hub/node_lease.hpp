// SPDX-License-Identifier: Apache-2.0
//
// The node's Lease: the one place where hubs agree who has the node. Its annotations hold the session
// epoch, which only rises and is taken by compare-and-swap, and what is remembered of the machine
// (machine_memory.hpp); its renewTime is the heartbeat that the node controller watches. Runs on the
// loop.
#pragma once

#include "cloudcore/hub/machine_memory.hpp"
#include "cloudcore/hub/session_state.hpp"
#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/kube_client.hpp"

#include <cstdint>
#include <string>

namespace farhold::hub {

class NodeLease {
public:
    // All must outlive it.
    NodeLease(kubeapi::KubeObjects& client, const Clock& clock, std::string node);

    // What the machine's Hello means; when it is admitted, the node is its from now on. `opened` is
    // from before its connection was answered, the next epoch is at least `floor`. `node_uid` makes
    // the Lease go with its Node.
    Task<Result<Judgement>> take(
        tunnel::Hello hello, WallTime opened, std::string node_uid, std::uint64_t floor
    );

    // A heartbeat, unless somebody else has taken the node since that epoch.
    Task<event::LeaseOutcome> renew(std::uint64_t epoch, std::uint64_t acked_seq);

private:
    Task<Result<json::Value>> read();

    kubeapi::KubeObjects& client_;
    const Clock& clock_;
    std::string node_;
};

}  // namespace farhold::hub
