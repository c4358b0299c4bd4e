// SPDX-License-Identifier: Apache-2.0
//
// Pure: what becomes of a Node whose machine falls silent. As the Kubernetes node controller: a
// heartbeat is a change of the Lease's renewTime or of the Ready condition's lastHeartbeatTime, its
// age is counted on our own monotonic clock from when we saw it, never from what it says. After the
// grace all conditions turn Unknown and the node is tainted; a machine that posts its status again is
// freed of the taints at once.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace farhold::nodes {

// kube-controller-manager's --node-monitor-grace-period since 1.32.
inline constexpr Duration kMonitorGrace = std::chrono::seconds(50);

// Changes to write to one Node, as JSON merge patches; empty members mean nothing to write.
struct NodeChange {
    std::string node;
    std::optional<json::Value> status_patch;
    std::optional<json::Value> spec_patch;
    bool became_unreachable = false;  // Its pods' Ready turns False and events are due.
};

class NodeLifecycle {
public:
    void node_changed(const std::string& name, const json::Value& node, Now now);
    void node_removed(const std::string& name);
    void lease_changed(const std::string& name, const json::Value& lease, Now now);

    // What is due now for the nodes. Level-triggered: until the write is seen in node_changed, the
    // same change is returned again.
    [[nodiscard]] std::vector<NodeChange> due(Now now) const;

    // When the next node would run out of its grace; nullopt when none waits.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

private:
    struct State {
        json::Value node;
        std::string last_renew_time;
        std::string last_heartbeat_time;
        Instant last_seen;
    };

    std::map<std::string, State> nodes_;
    std::map<std::string, std::string> early_leases_;  // Lease seen before its Node.
};

}  // namespace farhold::nodes
