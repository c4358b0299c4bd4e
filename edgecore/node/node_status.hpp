// SPDX-License-Identifier: Apache-2.0
//
// Pure: a Node's status as a kubelet writes it (kube-api.md 5.2): capacity, allocatable, conditions,
// addresses, node info, images.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"
#include "edgecore/node/machine_facts.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace farhold::node {

struct RuntimeFacts {
    bool reachable = false;
    bool ready = false;
    bool network_ready = false;
    std::string name;
    std::string version;
    std::string message;  // Why it is not ready.
};

// How the machine's own store fares.
struct StoreFacts {
    bool full = false;     // Its disk is: nothing that grows is written.
    bool failing = false;  // Nothing at all can be written.
    std::string message;   // For people.
};

struct ImageFacts {
    std::vector<std::string> names;
    std::uint64_t bytes = 0;
};

// Below these shares of what there is, a condition of pressure is reported; kubelet's usual eviction
// thresholds.
inline constexpr std::int64_t kMemoryReserveBytes = 100LL << 20U;
inline constexpr std::int64_t kDiskReservePercent = 10;
inline constexpr std::int64_t kInodesReservePercent = 5;
inline constexpr std::int64_t kPodsMax = 110;
inline constexpr std::size_t kImagesMax = 50;

// Remembers since when each condition is as it is.
class NodeStatus {
public:
    explicit NodeStatus(std::string version) : version_(std::move(version)) {}

    // The whole status. `version` looks like a Kubernetes version, since tools parse it.
    json::Value make(
        const MachineFacts& machine, const RuntimeFacts& runtime, const StoreFacts& store,
        const std::vector<ImageFacts>& images, WallTime now
    );

private:
    struct Condition {
        std::string type;
        bool status = false;
        std::string reason;
        std::string message;
    };
    struct Since {
        bool status = false;
        WallTime time;
    };

    json::Value conditions(const std::vector<Condition>& all, WallTime now);

    std::string version_;
    std::map<std::string, Since> since_;  // By condition type.
};

// Whether two statuses differ in more than their heartbeat times.
bool differs(const json::Value& one, const json::Value& other);

}  // namespace farhold::node
