// SPDX-License-Identifier: Apache-2.0
//
// Pure: which objects each node needs. A node's view is its Node, the Pods bound to it, and the
// ConfigMaps, Secrets and ServiceAccounts these refer to; never anything else, since what is in a
// view is what that machine may read.
//
// Objects come in from list and watch and are encoded once. What a relist lacks goes only when the
// caller says so (removal_hold.hpp): absence by itself is not deletion.
#pragma once

#include "cloudcore/views/view_object.hpp"
#include "common/json/value.hpp"
#include "common/tunnel/view_digest.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <span>
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
    [[nodiscard]] const ViewObject* find(const object::ObjectKey& key) const;
    [[nodiscard]] const tunnel::ViewDigest& digest() const { return digest_; }

private:
    friend class NodeViews;

    std::map<object::ObjectKey, ViewObjectPtr> objects_;
    tunnel::ViewDigest digest_;
};

// An object of a node's view that is another one now: look it up there; it may be gone.
struct ViewChange {
    std::string node;
    object::ObjectKey key;

    auto operator<=>(const ViewChange&) const = default;
};
using ViewChanges = std::vector<ViewChange>;

class NodeViews {
public:
    NodeViews();
    NodeViews(const NodeViews&) = delete;
    NodeViews& operator=(const NodeViews&) = delete;
    ~NodeViews();

    // A list entry, or added and modified as seen on a watch. Kinds that no view needs are ignored.
    ViewChanges upsert(const json::Value& object);

    // A deletion that is known: seen on a watch, or released by the removal hold. An object that has
    // come back under another uid stays.
    ViewChanges remove(const object::ObjectKey& key, std::string_view uid);

    // What is known of that kind and missing in a list that is complete.
    [[nodiscard]] std::vector<ViewObjectPtr> missing(
        std::string_view kind, const std::set<object::ObjectKey>& listed
    ) const;

    // An empty view for a node that is not known. Valid as long as this object.
    [[nodiscard]] const NodeView& view(std::string_view node) const;

    // The node that the pod is bound to, or empty.
    [[nodiscard]] std::string_view node_of_pod(const object::ObjectKey& pod) const;
    // Pods that are bound to a node.
    [[nodiscard]] std::size_t bound_pods() const;
    [[nodiscard]] std::size_t size() const;

private:
    struct Known;  // An object with its references.

    std::set<std::string> nodes_that_need(const object::ObjectKey& key) const;
    void refer(const Known& known, ViewChanges& changes);
    void unrefer(const Known& known, ViewChanges& changes);
    void settle(const std::string& node, const object::ObjectKey& key, ViewChanges& changes);

    std::map<object::ObjectKey, std::unique_ptr<Known>> known_;
    // node -> key -> number of its pods that refer to it (its Node and Pods count themselves).
    std::map<std::string, std::map<object::ObjectKey, std::size_t>, std::less<>> needs_;
    std::map<object::ObjectKey, std::set<std::string>> needed_by_;
    std::map<std::string, NodeView, std::less<>> views_;
    std::size_t bound_pods_ = 0;
};

}  // namespace farhold::views
