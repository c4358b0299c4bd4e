// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/cluster_views.hpp"

#include "cloudcore/views/added_fields.hpp"
#include "common/object/metadata.hpp"
#include "common/tunnel/content.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace farhold::views {
namespace {

void append(ViewChanges& changes, ViewChanges more) {
    changes.insert(
        changes.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end())
    );
}

// A server that was put back may by now have come further than what this hub knew, but not so with
// every object; and what it has changed since may have a number again that it had given before.
bool is_of_another_past(const ViewObject& now, const ViewObject& before) {
    const std::uint64_t version = version_number(now.resource_version);
    const std::uint64_t known = version_number(before.resource_version);
    if (now.uid != before.uid || version > known) return false;
    return version < known ||
           (now.hash != before.hash && !differ_by_defaults(now.content, before.content));
}

bool is_machine(const json::Value& node) {
    return !object::annotation(node, tunnel::kMachineKeyAnnotation).value_or("").empty();
}

}  // namespace

ViewChanges ClusterViews::read(const json::Value& object) {
    const object::ObjectKey key = object::ObjectKey::of(object);
    held_.erase(key);
    if (is_referred_kind(key.kind)) {
        views_.needed().listed(key);
        return {};
    }
    const ViewObjectPtr before = views_.find(key);
    ViewChanges changes = take(object, key);
    const ViewObjectPtr now = views_.find(key);
    if (before != nullptr && now != nullptr && is_of_another_past(*now, *before)) {
        hold_.went_back();
    }
    return changes;
}

ViewChanges ClusterViews::listed(
    const ListedKind& list, const std::set<object::ObjectKey>& present
) {
    hold_.list_seen(list.cluster_uid, list.kind, list.resource_version);
    ViewChanges changes;
    if (!list.complete) {
        return changes;
    }
    if (list.kind == "Pod") {
        // What is being learned may be older than this list and can no longer be told apart from it.
        for (const auto& [node, learning] : std::exchange(learning_, {})) {
            new_machines_.insert(node);
        }
    }
    std::vector<ViewObjectPtr> missing;
    std::size_t known_pods = 0;
    std::size_t missing_pods = 0;
    for (const object::ObjectKey& key : views_.known(list.kind)) {
        const ViewObjectPtr object = views_.find(key);
        known_pods += key.kind == "Pod" ? 1 : 0;
        // A list that is older than an object cannot have it, unless the cluster went back.
        const bool is_judged = hold_.holds({}) || version_number(object->resource_version) <=
                                                      version_number(list.resource_version);
        if (is_judged && !present.contains(key)) {
            missing.push_back(object);
            missing_pods += key.kind == "Pod" ? 1 : 0;
        }
    }
    const bool may_remove = missing.empty() || hold_.may_remove(missing_pods, known_pods);
    for (const ViewObjectPtr& object : missing) {
        if (may_remove) {
            held_.erase(object->key);
            append(changes, views_.remove(object->key, object->uid));
        } else {
            held_[object->key] = object->uid;
        }
    }
    return changes;
}

ViewChanges ClusterViews::changed(const json::Value& object) {
    hold_.change_seen(std::string(object::kind(object)), object::resource_version(object));
    const object::ObjectKey key = object::ObjectKey::of(object);
    held_.erase(key);
    if (is_referred_kind(key.kind)) {
        views_.needed().changed(key, object::resource_version(object));
        return {};
    }
    note_while_learning(object, key);
    return take(object, key);
}

ViewChanges ClusterViews::deleted(const json::Value& object) {
    hold_.change_seen(std::string(object::kind(object)), object::resource_version(object));
    const object::ObjectKey key = object::ObjectKey::of(object);
    note_while_learning(object, key);
    auto changes = views_.remove(key, object::uid(object));
    if (views_.find(key) == nullptr) {
        held_.erase(key);
    }
    return changes;
}

ViewChanges ClusterViews::arrived(const Fetch& fetch, const json::Value& object) {
    if (!views_.needed().finish(fetch)) {
        return {};
    }
    const ViewObjectPtr before = views_.find(fetch.key);
    ViewChanges changes = views_.upsert(object);
    if (before != nullptr && is_of_another_past(*views_.find(fetch.key), *before)) {
        hold_.went_back();
    }
    return changes;
}

ViewChanges ClusterViews::take(const json::Value& object, const object::ObjectKey& key) {
    if (is_wanted(object, key)) {
        return views_.upsert(object);
    }
    // One of that name that was a machine's is gone.
    const ViewObjectPtr known = views_.find(key);
    return known == nullptr ? ViewChanges() : views_.remove(key, known->uid);
}

bool ClusterViews::is_wanted(const json::Value& object, const object::ObjectKey& key) {
    if (key.kind == "Pod") {
        const bool is_ours = is_machine_pod(object);
        pods_dropped_ = pods_dropped_ || !is_ours;
        return is_ours;
    }
    if (key.kind == "Service" || key.kind == "Device" || key.kind == "DeviceModel") {
        return true;  // Of a machine that comes later, too.
    }
    if (key.kind == "Node" && is_machine(object) && machines_.insert(key.name).second &&
        pods_dropped_) {
        new_machines_.insert(key.name);
    }
    return key.kind == "Node" && machines_.contains(key.name);
}

std::vector<NewMachine> ClusterViews::take_new_machines() {
    std::vector<NewMachine> machines;
    for (const std::string& node : std::exchange(new_machines_, {})) {
        learning_[node] = Learning{++last_number_, {}};
        machines.push_back({node, last_number_});
    }
    return machines;
}

void ClusterViews::note_while_learning(const json::Value& object, const object::ObjectKey& key) {
    if (key.kind != "Pod" || learning_.empty()) {
        return;
    }
    const auto machine = learning_.find(std::string(object.text_at({"spec", "nodeName"})));
    if (machine != learning_.end()) {
        machine->second.told.insert(key);
    }
}

ViewChanges ClusterViews::learned(
    const NewMachine& machine, std::span<const json::Value* const> pods
) {
    ViewChanges changes;
    const auto learning = learning_.find(machine.node);
    if (learning == learning_.end() || learning->second.number != machine.number) {
        return changes;
    }
    // What the watch has told since is newer, and may have been a deletion.
    const std::set<object::ObjectKey> told = std::move(learning->second.told);
    learning_.erase(learning);
    for (const json::Value* pod : pods) {
        const object::ObjectKey key = object::ObjectKey::of(*pod);
        if (!told.contains(key) && views_.find(key) == nullptr) {
            append(changes, views_.upsert(*pod));
        }
    }
    return changes;
}

bool ClusterViews::knows(const std::string& node) const {
    return machines_.contains(node) && !new_machines_.contains(node) && !learning_.contains(node);
}

bool ClusterViews::is_machine_pod(const json::Value& pod) const {
    return machines_.contains(std::string(pod.text_at({"spec", "nodeName"})));
}

bool ClusterViews::may_remove_surplus(
    const std::string& node, std::string_view held_node_uid, std::size_t objects
) {
    const ViewObjectPtr known = views_.find(object::ObjectKey{"Node", {}, node});
    const std::string_view known_uid = known == nullptr ? std::string_view() : known->uid;
    const bool may_remove = hold_.may_remove(node, held_node_uid, known_uid);
    surplus_.erase(node);
    if (!may_remove) surplus_[node] = objects;
    return may_remove;
}

std::map<std::string, std::size_t> ClusterViews::kept_objects() const {
    std::map<std::string, std::size_t> kept = surplus_;
    for (const auto& [key, uid] : held_) {
        for (const std::string& node : views_.needed_by(key)) ++kept[node];
    }
    return kept;
}

ViewChanges ClusterViews::confirm(const std::string& scope) {
    ViewChanges changes;
    if (!hold_.confirm(scope)) {
        return changes;
    }
    surplus_.clear();  // They resume.
    std::erase_if(held_, [&](const auto& held) {
        const auto& [key, uid] = held;
        const auto is_held = [this](const std::string& node) { return hold_.holds(node); };
        const bool stays = hold_.held().contains(std::string(RemovalHold::kWholeCluster)) ||
                           std::ranges::any_of(views_.needed_by(key), is_held);
        if (!stays) append(changes, views_.remove(key, uid));
        return !stays;
    });
    return changes;
}

}  // namespace farhold::views
