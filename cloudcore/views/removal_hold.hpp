// SPDX-License-Identifier: Apache-2.0
//
// Pure: no deletion on doubt. Absence counts as deletion only while the cluster is surely still the
// one we know; when that is in doubt, removals are held until a person confirms them. A deletion
// seen on a watch never comes here: it is always carried out.
//
// The caller keeps the record in the Kubernetes API after each change, so a hold outlives the hub.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace farhold::views {

// More of the fleet's Pods than this share, and more than that many, may not vanish in one relist.
inline constexpr std::size_t kHoldPercent = 20;
inline constexpr std::size_t kHoldPodsMin = 2;

// A resourceVersion as a number. 0 for a server whose versions are none: it shows no order, and thus
// never that it went back.
std::uint64_t version_number(std::string_view resource_version);

class RemovalHold {
public:
    struct Held {
        std::string reason;
        std::string node_uid;  // Of the Node that the machine remembers; for a node's hold.
        std::optional<WallTime> since;  // Whole seconds; nullopt: not dated yet.
        bool operator==(const Held&) const = default;
    };
    // The scope of a hold that concerns every node.
    static constexpr std::string_view kWholeCluster = "";

    RemovalHold() = default;

    // The record as JSON text. An unreadable one is an error and not an empty hold.
    static Result<RemovalHold> decode(std::string_view text);
    [[nodiscard]] std::string encode() const;

    // What a list of that kind showed of the cluster: the uid of namespace kube-system and the
    // list's resourceVersion. Another cluster, or one that went back in time, holds everything.
    void list_seen(
        const std::string& cluster_uid, const std::string& kind, std::string_view resource_version
    );
    // A list showed an object in an older state than one seen before.
    void went_back();
    // A watch of that kind has come as far as that.
    void change_seen(const std::string& kind, std::string_view resource_version);
    // How often this hub has seen the cluster go back in time or become another one.
    [[nodiscard]] std::uint64_t api_epoch() const { return api_epoch_; }

    // Whether what a complete list lacks may be removed now; the numbers are of Pods bound to nodes.
    bool may_remove(std::size_t missing_pods, std::size_t known_pods);
    // Whether what a reconnecting machine holds beyond its view may be removed now. `held_node_uid`
    // is the uid of its own Node as the machine remembers it (empty: it holds none).
    bool may_remove(
        const std::string& node, std::string_view held_node_uid, std::string_view known_node_uid
    );

    // By scope: the whole cluster or a node's name.
    [[nodiscard]] const std::map<std::string, Held>& held() const { return held_; }
    [[nodiscard]] bool holds(const std::string& node) const;

    // What is held and has no date is held since now.
    void date(WallTime now);

    // A person says that what is missing is gone indeed. False: nothing was held there.
    bool confirm(const std::string& scope);

    bool operator==(const RemovalHold&) const = default;

private:
    void doubt(std::string reason);

    std::string cluster_uid_;
    std::uint64_t api_epoch_ = 0;
    // Highest seen by this process, by kind, as lists of several kinds may overtake each other. Not
    // part of the record: a restored cluster restores that too.
    std::map<std::string, std::uint64_t> versions_;
    std::map<std::string, Held> held_;
    std::map<std::string, std::string> confirmed_;  // Node -> the remembered uid that may go.
};

}  // namespace farhold::views
