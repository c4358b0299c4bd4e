// SPDX-License-Identifier: Apache-2.0
//
// Pure: no deletion on doubt. Absence counts as deletion only in a complete list of a cluster that
// is still the one we know; when that is in doubt the removals are held until a person confirms.
// A deletion seen on a watch never comes here: it is always carried out.
//
// The record of what is held is kept in the Kubernetes API by the caller, so it outlives the hub.
#pragma once

#include "common/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace farhold::views {

// Of the cluster as the hub last knew it.
struct ClusterIdentity {
    std::string cluster_uid;      // uid of namespace kube-system.
    std::uint64_t api_epoch = 0;  // Raised when the cluster went back in time.

    bool operator==(const ClusterIdentity&) const = default;
};

// One complete list against what was known before it.
struct Relist {
    bool complete = false;
    std::size_t missing_pods = 0;  // Bound pods that were known and are not in the list.
    std::size_t known_pods = 0;    // Bound pods that were known.
};

inline constexpr std::size_t kHoldPercent = 20;
// So few pods may vanish at once whatever their share: a fleet of three must not ask about each.
inline constexpr std::size_t kHoldPodsMin = 2;

class RemovalHold {
public:
    RemovalHold() = default;

    // The record as kept in the API; an unreadable one is an error, not an empty hold.
    static Result<RemovalHold> decode(std::string_view text);
    [[nodiscard]] std::string encode() const;

    // What the API server showed of itself. Another identity than the one known holds everything.
    void cluster_seen(const ClusterIdentity& identity);
    [[nodiscard]] const std::optional<ClusterIdentity>& identity() const { return identity_; }

    // Whether what this list lacks may be removed now.
    bool may_remove(const Relist& relist);
    // Whether what a reconnecting machine holds beyond its view may be removed now. `held_node_uid`
    // is the uid of its own Node as the machine holds it (empty: it holds none).
    bool may_remove(
        const std::string& node, std::string_view held_node_uid, std::string_view known_node_uid
    );

    // Reasons by scope: "" is the whole cluster, else a node.
    [[nodiscard]] const std::map<std::string, std::string>& held() const { return held_; }
    [[nodiscard]] bool holds(const std::string& node) const;
    // A person says that what is missing is gone indeed.
    void confirm(const std::string& scope);

private:
    std::optional<ClusterIdentity> identity_;
    std::map<std::string, std::string> held_;
    std::set<std::string> confirmed_;  // Nodes whose uid change was confirmed.
};

}  // namespace farhold::views
