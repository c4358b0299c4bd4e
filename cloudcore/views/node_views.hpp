// SPDX-License-Identifier: Apache-2.0
//
// Pure: which objects each node needs. A node's view is its Node, the Pods bound to it, and the
// ConfigMaps, Secrets and ServiceAccounts these refer to; never anything else, since what is in a
// view is what that machine may read. Objects are encoded once and shared by the views.
//
// Knows only single changes; what a list lacks is judged in cluster_views.hpp.
#pragma once

#include "cloudcore/views/view_object.hpp"
#include "common/json/value.hpp"
#include "common/tunnel/view_digest.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::views {

// One node's objects. Readers keep the reference, not the contents: it follows the cluster.
class NodeView {
public:
    [[nodiscard]] const std::map<object::ObjectKey, ViewObjectPtr>& objects() const {
        return objects_;
    }
    // Null when the node does not need that object or it does not exist.
    [[nodiscard]] ViewObjectPtr find(const object::ObjectKey& key) const;
    // Whether the node's Node or one of its Pods is or refers to it; it need not exist.
    [[nodiscard]] bool needs(const object::ObjectKey& key) const { return needs_.contains(key); }
    [[nodiscard]] const tunnel::ViewDigest& digest() const { return digest_; }

private:
    friend class NodeViews;
    void set(const object::ObjectKey& key, const ViewObjectPtr& object);

    std::map<object::ObjectKey, ViewObjectPtr> objects_;
    tunnel::ViewDigest digest_;
    // For how many of the node's Pods (its Node and each Pod count once).
    std::map<object::ObjectKey, std::size_t> needs_;
};

// An object of a node's view that is another one now: look it up there; it may be gone.
struct ViewChange {
    std::string node;
    object::ObjectKey key;
    // Of the object that was there and is gone (left, or another one has its name now); else empty.
    std::string removed_uid;

    bool operator==(const ViewChange&) const = default;
};
using ViewChanges = std::vector<ViewChange>;

class NodeViews {
public:
    // The object with its kind. Kinds that no view needs are ignored.
    ViewChanges upsert(const json::Value& object);
    // An object that has come back under another uid stays.
    ViewChanges remove(const object::ObjectKey& key, std::string_view uid);

    // Null when it is not known.
    [[nodiscard]] ViewObjectPtr find(const object::ObjectKey& key) const;
    // The node that a pod is bound to, or empty.
    [[nodiscard]] std::string_view node_of_pod(const object::ObjectKey& pod) const;
    [[nodiscard]] std::vector<object::ObjectKey> known(std::string_view kind) const;

    // Valid as long as this object. A node that is not known (yet) has an empty view; ask only for
    // nodes that have proved their name.
    const NodeView& view(const std::string& node) { return views_[node]; }

private:
    struct Known {
        ViewObjectPtr object;
        std::string node;                   // Whose Node or bound Pod it is; empty: nobody's.
        std::set<object::ObjectKey> needs;  // What that node needs because of it, itself included.
    };

    void need(const Known& known, ViewChanges& changes);
    void no_longer_need(const Known& known, ViewChanges& changes);
    void settle(const std::string& node, const object::ObjectKey& key, ViewChanges& changes);

    std::map<object::ObjectKey, Known> known_;
    std::map<object::ObjectKey, std::set<std::string>> needed_by_;  // Nodes.
    std::map<std::string, NodeView> views_;
};

}  // namespace farhold::views
