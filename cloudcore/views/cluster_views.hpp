// SPDX-License-Identifier: Apache-2.0
//
// Pure: the cluster as lists and watches tell it, turned into the views of the nodes. A deletion
// seen on a watch is carried out; what a list lacks goes only when the list was complete and the
// removal hold has no doubt. Until then it stays in the views as if it existed.
#pragma once

#include "cloudcore/views/node_views.hpp"
#include "cloudcore/views/removal_hold.hpp"

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace farhold::views {

struct ListedKind {
    std::string kind;
    std::string cluster_uid;       // Of namespace kube-system, read along with the list.
    std::string resource_version;  // The list's.
    bool complete = false;  // Every page came, for all namespaces, from a server that is current.
};

class ClusterViews {
public:
    explicit ClusterViews(RemovalHold hold) : hold_(std::move(hold)) {}

    ViewChanges listed(const ListedKind& list, std::span<const json::Value* const> objects);
    // Added or modified, as seen on a watch.
    ViewChanges changed(const json::Value& object);
    ViewChanges deleted(const json::Value& object);

    [[nodiscard]] const NodeView& view(const std::string& node) { return views_.view(node); }
    // Whether what a reconnecting machine holds beyond its view may be removed now.
    // `held_node_uid` is the uid of its own Node as it remembers it; empty: it holds none.
    bool may_remove_surplus(const std::string& node, std::string_view held_node_uid);

    // A person says that what is held in that scope is gone. Sessions of the nodes concerned must
    // resume by inventory afterwards, since what they hold may go beyond these changes.
    ViewChanges confirm(const std::string& scope);

    // Keep its record in the API whenever it differs from the one kept.
    [[nodiscard]] const RemovalHold& hold() const { return hold_; }
    // Objects that stay only because of the hold.
    [[nodiscard]] std::size_t held_objects() const { return held_.size(); }

private:
    ViewChanges take(const json::Value& object);

    NodeViews views_;
    RemovalHold hold_;
    std::map<object::ObjectKey, std::string> held_;  // Key -> uid.
};

}  // namespace farhold::views
