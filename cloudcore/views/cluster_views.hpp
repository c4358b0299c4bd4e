// SPDX-License-Identifier: Apache-2.0
//
// Pure: the cluster as lists and watches tell it, turned into the views of the machines. A deletion
// seen on a watch is carried out; what a list lacks goes only when the list was complete and the
// removal hold has no doubt. Until then it stays in the views as if it existed.
//
// Kept are the Nodes of machines, the Pods bound to them and what these refer to; everything else is
// dropped when it comes. Of ConfigMaps, Secrets and ServiceAccounts lists and watches need to tell the
// metadata only; what is in them is fetched (needed_objects.hpp).
#pragma once

#include "cloudcore/views/node_views.hpp"
#include "cloudcore/views/removal_hold.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::views {

struct ListedKind {
    std::string kind;
    std::string cluster_uid;       // Of namespace kube-system, read along with the list.
    std::string resource_version;  // The list's.
    bool complete = false;  // Every page came, for all namespaces, from a server that is current.
};

struct NewMachine {
    std::string node;
    std::uint64_t number = 0;
};

class ClusterViews {
public:
    explicit ClusterViews(RemovalHold hold) : hold_(std::move(hold)) {}

    // An object of a list that is still being read.
    ViewChanges read(const json::Value& object);
    // The list is over; `present` is all that it has.
    ViewChanges listed(const ListedKind& list, const std::set<object::ObjectKey>& present);
    // Added or modified, as seen on a watch.
    ViewChanges changed(const json::Value& object);
    ViewChanges deleted(const json::Value& object);

    // What is to be fetched; the answers are told below.
    [[nodiscard]] NeededObjects& needed() { return views_.needed(); }
    ViewChanges arrived(const Fetch& fetch, const json::Value& object);
    ViewChanges absent(const Fetch& fetch) { return views_.absent(fetch); }
    void refused(const Fetch& fetch, const std::string& reason, Instant ask_again) {
        views_.refused(fetch, reason, ask_again);
    }
    void unanswered(const Fetch& fetch) { views_.unanswered(fetch); }
    std::vector<BlockedPod> take_blocked() { return views_.take_blocked(); }
    [[nodiscard]] std::size_t pods_kept_back() const { return views_.pods_kept_back(); }

    [[nodiscard]] const NodeView& view(const std::string& node) { return views_.view(node); }
    // Whether what a reconnecting machine holds beyond its view may be removed now.
    // `held_node_uid` is the uid of its own Node as it remembers it; empty: it holds none.
    bool may_remove_surplus(
        const std::string& node, std::string_view held_node_uid, std::size_t objects
    );

    // A person says that what is held in that scope is gone. Sessions of the nodes concerned must
    // resume by inventory afterwards, since what they hold may go beyond these changes.
    ViewChanges confirm(const std::string& scope);
    void date_holds(WallTime now) { hold_.date(now); }

    // Whether all of the node's Pods were told. Not so while it is no machine.
    [[nodiscard]] bool knows(const std::string& node) const;
    // Whether it is bound to a machine of ours. A Node that was one stays one.
    [[nodiscard]] bool is_machine_pod(const json::Value& pod) const;
    // Nodes that were found to be machines when Pods had been dropped already: theirs are to be listed,
    // and told by learned().
    std::vector<NewMachine> take_new_machines();
    ViewChanges learned(const NewMachine& machine, std::span<const json::Value* const> pods);

    // Keep its record in the API whenever it differs from the one kept.
    [[nodiscard]] const RemovalHold& hold() const { return hold_; }
    // By machine: how many objects it keeps only because removals are held. What a machine holds
    // beyond its view counts from when it has come back.
    [[nodiscard]] std::map<std::string, std::size_t> kept_objects() const;

private:
    // Whether the object belongs to a machine. Learns of machines.
    bool is_wanted(const json::Value& object, const object::ObjectKey& key);
    ViewChanges take(const json::Value& object, const object::ObjectKey& key);
    void note_while_learning(const json::Value& object, const object::ObjectKey& key);

    NodeViews views_;
    RemovalHold hold_;
    std::map<object::ObjectKey, std::string> held_;  // Key -> uid.
    std::map<std::string, std::size_t> surplus_;     // By node, of those that must keep it.
    std::set<std::string> machines_;
    bool pods_dropped_ = false;
    struct Learning {
        std::uint64_t number = 0;
        std::set<object::ObjectKey> told;  // Its Pods that a watch has told of meanwhile.
    };
    std::set<std::string> new_machines_;
    std::map<std::string, Learning> learning_;  // By machine whose Pods are being listed.
    std::uint64_t last_number_ = 0;
};

}  // namespace farhold::views
