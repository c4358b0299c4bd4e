// SPDX-License-Identifier: Apache-2.0
//
// Pure: on which node a pod may run, as kube-scheduler's filters decide it: unschedulable nodes,
// taints and tolerations, nodeSelector, required node affinity, requested resources. Among the nodes
// that pass, the one with the fewest pods wins, then the first by name.
#pragma once

#include "common/json/value.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace farhold::scheduler {

// What a pod asks for or a node has left; CPU in thousandths of a core, memory in bytes.
struct Resources {
    std::int64_t milli_cpu = 0;
    std::int64_t memory_bytes = 0;
    std::int64_t pods = 0;

    Resources& operator+=(const Resources& other);
    bool operator==(const Resources&) const = default;
};

// The sum of the containers' requests, or the largest init container's where that is more.
Resources requests_of(const json::Value& pod);

// The node a pod goes to, or why there is none, in kube-scheduler's words.
struct Chosen {
    std::string node;
};
struct Unschedulable {
    std::string message;
};
using Placement = std::variant<Chosen, Unschedulable>;

// Nodes and the pods bound to them, kept current by the owner.
class Cluster {
public:
    void put_node(const std::string& name, std::shared_ptr<const json::Value> node);
    void remove_node(const std::string& name);

    // A pod with a node and no end yet takes part in the sums; any other is forgotten.
    void put_pod(const std::string& uid, const json::Value& pod);
    void remove_pod(const std::string& uid);

    [[nodiscard]] Placement place(const json::Value& pod) const;

private:
    struct Bound {
        std::string node;
        Resources requests;
    };

    [[nodiscard]] std::optional<std::string> objection(
        const json::Value& pod, const Resources& wanted, const json::Value& node,
        const Resources& used
    ) const;

    std::map<std::string, std::shared_ptr<const json::Value>> nodes_;
    std::map<std::string, Bound> pods_;      // By uid.
    std::map<std::string, Resources> used_;  // By node.
};

// A pod that waits for this scheduler.
bool wants_scheduling(const json::Value& pod);

}  // namespace farhold::scheduler
