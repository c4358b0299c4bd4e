// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/cluster_views.hpp"

#include "common/object/metadata.hpp"

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
// every object.
bool is_older(const ViewObject& now, const ViewObject& before) {
    const std::uint64_t version = version_number(now.resource_version);
    const std::uint64_t known = version_number(before.resource_version);
    return now.uid == before.uid &&
           (version < known || (version == known && now.hash != before.hash));
}

}  // namespace

ViewChanges ClusterViews::listed(
    const ListedKind& list, std::span<const json::Value* const> objects
) {
    hold_.list_seen(list.cluster_uid, list.kind, list.resource_version);
    ViewChanges changes;
    std::set<object::ObjectKey> present;
    for (const json::Value* object : objects) {
        const object::ObjectKey key = object::ObjectKey::of(*object);
        const ViewObjectPtr before = views_.find(key);
        append(changes, take(*object));
        if (before != nullptr && is_older(*views_.find(key), *before)) {
            hold_.went_back();
        }
        present.insert(key);
    }
    if (!list.complete) {
        return changes;
    }
    std::vector<ViewObjectPtr> missing;
    std::size_t known_pods = 0;
    std::size_t missing_pods = 0;
    for (const object::ObjectKey& key : views_.known(list.kind)) {
        const bool bound = !views_.node_of_pod(key).empty() && key.kind == "Pod";
        known_pods += bound ? 1 : 0;
        if (!present.contains(key)) {
            missing.push_back(views_.find(key));
            missing_pods += bound ? 1 : 0;
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
    return take(object);
}

ViewChanges ClusterViews::take(const json::Value& object) {
    held_.erase(object::ObjectKey::of(object));
    return views_.upsert(object);
}

ViewChanges ClusterViews::deleted(const json::Value& object) {
    hold_.change_seen(std::string(object::kind(object)), object::resource_version(object));
    const object::ObjectKey key = object::ObjectKey::of(object);
    auto changes = views_.remove(key, object::uid(object));
    if (views_.find(key) == nullptr) {
        held_.erase(key);
    }
    return changes;
}

bool ClusterViews::may_remove_surplus(const std::string& node, std::string_view held_node_uid) {
    const ViewObjectPtr known = views_.find(object::ObjectKey{"Node", {}, node});
    const std::string_view known_uid = known == nullptr ? std::string_view() : known->uid;
    return hold_.may_remove(node, held_node_uid, known_uid);
}

ViewChanges ClusterViews::confirm(const std::string& scope) {
    ViewChanges changes;
    if (!hold_.confirm(scope) || !hold_.held().empty()) {
        return changes;
    }
    for (const auto& [key, uid] : std::exchange(held_, {})) {
        append(changes, views_.remove(key, uid));
    }
    return changes;
}

}  // namespace farhold::views
