// SPDX-License-Identifier: Apache-2.0
//
// Pure: which objects each node needs. A node's view is its Node, the Pods bound to it, the
// ConfigMaps, Secrets and ServiceAccounts these refer to, the Services that they are told of, and its
// Devices with their DeviceModels; never anything else, since what is in a view is what that machine
// may read. Objects are encoded once and shared by the views.
//
// A Pod enters the view only when each object that it refers to is known to be there or not to be, so
// that no machine gets a Pod before what it needs to start it. One that is being deleted enters at
// once.
//
// Knows only single changes; what a list lacks is judged in cluster_views.hpp.
#pragma once

#include "cloudcore/views/needed_objects.hpp"
#include "cloudcore/views/view_object.hpp"
#include "common/json/value.hpp"
#include "common/tunnel/view_digest.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
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
    [[nodiscard]] bool needs(const object::ObjectKey& key) const;
    // Whether what a machine holds of that uid stays as it is until more is known: it is a Pod that is
    // still kept back, or what one refers to.
    [[nodiscard]] bool is_unsettled(const object::ObjectKey& key, std::string_view uid) const;
    // Whether Pods of the node are not in the view, or not in their newest state, only since it is not
    // known yet what they refer to.
    [[nodiscard]] bool keeps_back_pods() const;
    [[nodiscard]] const tunnel::ViewDigest& digest() const { return digest_; }

private:
    friend class NodeViews;
    void set(const object::ObjectKey& key, const ViewObjectPtr& object);

    std::map<object::ObjectKey, ViewObjectPtr> objects_;
    tunnel::ViewDigest digest_;
    // For how many of the node's Pods (its Node and each Pod count once).
    std::map<object::ObjectKey, std::size_t> needs_;
    std::map<object::ObjectKey, std::string> unsettled_;  // To the uid of a Pod; empty: any.
};

// An object of a node's view that is another one now, or of which it is settled that there is none:
// look it up there; it may be gone.
struct ViewChange {
    std::string node;
    object::ObjectKey key;
    // Of the object that was there and is gone (left, or another one has its name now); else empty.
    std::string removed_uid;

    bool operator==(const ViewChange&) const = default;
};
using ViewChanges = std::vector<ViewChange>;

// A Pod that is kept back since the API refuses what it refers to.
struct BlockedPod {
    object::ObjectKey pod;
    std::string uid;
    object::ObjectKey reference;
    std::string reason;

    bool operator==(const BlockedPod&) const = default;
};

class NodeViews {
public:
    // The object with its kind, whole. What no view needs is ignored.
    ViewChanges upsert(const json::Value& object);
    // An object that has come back under another uid stays.
    ViewChanges remove(const object::ObjectKey& key, std::string_view uid);

    // What to fetch. An object that was fetched is an upsert; the other answers are told here.
    [[nodiscard]] NeededObjects& needed() { return needed_; }
    ViewChanges absent(const Fetch& fetch);
    void refused(const Fetch& fetch, const std::string& reason, Instant ask_again);
    void unanswered(const Fetch& fetch);

    [[nodiscard]] std::size_t pods_kept_back() const { return pods_kept_back_; }
    // Since the last call; each Pod once.
    std::vector<BlockedPod> take_blocked() { return std::exchange(blocked_, {}); }

    // Null when it is not known.
    [[nodiscard]] ViewObjectPtr find(const object::ObjectKey& key) const;
    [[nodiscard]] std::vector<object::ObjectKey> known(std::string_view kind) const;
    // The nodes that need it, whether or not it exists.
    [[nodiscard]] std::set<std::string> needed_by(const object::ObjectKey& key) const;

    // Valid as long as this object. A node that is not known (yet) has an empty view; ask only for
    // nodes that have proved their name.
    const NodeView& view(const std::string& node) { return views_[node]; }

private:
    struct Known {
        ViewObjectPtr object;
        std::string node;                   // Whose Node or bound Pod it is; empty: nobody's.
        std::set<object::ObjectKey> needs;  // What that node needs because of it, itself included.
        bool deleting = false;
        bool told_blocked = false;
    };

    void need(const object::ObjectKey& key, const Known& old, ViewChanges& changes);
    void no_longer_need(const Known& known, ViewChanges& changes);
    void settle(const std::string& node, const object::ObjectKey& key, ViewChanges& changes);
    void settle_all(const object::ObjectKey& key, ViewChanges& changes);
    void settle_services(const std::string& node, const std::string& ns, ViewChanges& changes);
    void release(const object::ObjectKey& reference, ViewChanges& changes);
    void keep_back(const object::ObjectKey& pod, const Known& known);
    void stop_waiting(const object::ObjectKey& pod, const Known& known);
    [[nodiscard]] bool is_kept_back(const Known& known) const;
    void tell_if_blocked(const object::ObjectKey& pod, const object::ObjectKey& reference);

    std::map<object::ObjectKey, Known> known_;
    std::map<object::ObjectKey, std::set<std::string>> needed_by_;  // Nodes.
    std::map<std::string, NodeView> views_;
    NeededObjects needed_;
    // The Pods that wait for it.
    std::map<object::ObjectKey, std::set<object::ObjectKey>> waiting_;
    std::size_t pods_kept_back_ = 0;
    std::vector<BlockedPod> blocked_;
};

}  // namespace farhold::views
