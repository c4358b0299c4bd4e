// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/node_views.hpp"

#include "cloudcore/views/pod_references.hpp"
#include "common/object/metadata.hpp"
#include "common/tunnel/content.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace farhold::views {
namespace {

constexpr std::array<std::string_view, 5> kKinds = {
    "Node", "Pod", "ConfigMap", "Secret", "ServiceAccount"
};

ViewObjectPtr encode(const json::Value& object, object::ObjectKey key) {
    tunnel::Content content = tunnel::make_content(object);
    auto encoded = std::make_shared<ViewObject>();
    encoded->key = std::move(key);
    encoded->uid = object::uid(object);
    encoded->resource_version = object::resource_version(object);
    encoded->hash = std::move(content.hash);
    encoded->encoding = tunnel::kEncodingJson;
    encoded->content = std::move(content.text);
    return encoded;
}

bool same_for_machines(const ViewObject& left, const ViewObject& right) {
    return left.uid == right.uid && left.hash == right.hash && left.encoding == right.encoding;
}

std::string node_of(const json::Value& object, const object::ObjectKey& key) {
    if (key.kind == "Node") {
        return key.name;
    }
    return key.kind == "Pod" ? std::string(object.text_at({"spec", "nodeName"})) : std::string();
}

}  // namespace

ViewObjectPtr NodeView::find(const object::ObjectKey& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
}

void NodeView::set(const object::ObjectKey& key, const ViewObjectPtr& object) {
    const auto known = objects_.find(key);
    if (known != objects_.end()) {
        const ViewObject& old = *known->second;
        digest_.remove(old.key.text(), old.uid, old.hash, old.encoding);
        objects_.erase(known);
    }
    if (object != nullptr) {
        digest_.add(key.text(), object->uid, object->hash, object->encoding);
        objects_.emplace(key, object);
    }
}

ViewChanges NodeViews::upsert(const json::Value& object) {
    ViewChanges changes;
    const object::ObjectKey key = object::ObjectKey::of(object);
    if (std::ranges::find(kKinds, key.kind) == kKinds.end()) {
        return changes;
    }
    Known next;
    next.object = encode(object, key);
    next.node = node_of(object, key);
    if (!next.node.empty()) {
        next.needs = key.kind == "Pod" ? references_of_pod(object) : std::set<object::ObjectKey>();
        next.needs.insert(key);
    }
    // The new needs first, so that what both need does not leave the view in between.
    Known& known = known_[key];
    const Known old = std::exchange(known, std::move(next));
    need(known, changes);
    no_longer_need(old, changes);
    if (const auto nodes = needed_by_.find(key); nodes != needed_by_.end()) {
        for (const std::string& node : nodes->second) {
            settle(node, key, changes);
        }
    }
    return changes;
}

ViewChanges NodeViews::remove(const object::ObjectKey& key, std::string_view uid) {
    ViewChanges changes;
    const auto found = known_.find(key);
    if (found == known_.end() || found->second.object->uid != uid) {
        return changes;
    }
    const Known old = std::move(found->second);
    known_.erase(found);
    no_longer_need(old, changes);
    if (const auto nodes = needed_by_.find(key); nodes != needed_by_.end()) {
        for (const std::string& node : nodes->second) {
            settle(node, key, changes);
        }
    }
    return changes;
}

void NodeViews::need(const Known& known, ViewChanges& changes) {
    for (const object::ObjectKey& key : known.needs) {
        ++views_[known.node].needs_[key];
        needed_by_[key].insert(known.node);
        settle(known.node, key, changes);
    }
}

void NodeViews::no_longer_need(const Known& known, ViewChanges& changes) {
    for (const object::ObjectKey& key : known.needs) {
        auto& needs = views_[known.node].needs_;
        const auto count = needs.find(key);
        if (--count->second > 0) {
            continue;
        }
        needs.erase(count);
        const auto nodes = needed_by_.find(key);
        nodes->second.erase(known.node);
        if (nodes->second.empty()) {
            needed_by_.erase(nodes);
        }
        settle(known.node, key, changes);
    }
}

// Makes the node's view have the object exactly when the node needs it and it exists.
void NodeViews::settle(
    const std::string& node, const object::ObjectKey& key, ViewChanges& changes
) {
    NodeView& view = views_[node];
    const ViewObjectPtr wanted = view.needs(key) ? find(key) : nullptr;
    const ViewObjectPtr held = view.find(key);
    if (wanted == held) {
        return;
    }
    view.set(key, wanted);
    if (wanted == nullptr || held == nullptr || !same_for_machines(*wanted, *held)) {
        const bool gone = held != nullptr && (wanted == nullptr || wanted->uid != held->uid);
        changes.push_back(ViewChange{node, key, gone ? held->uid : std::string()});
    }
}

ViewObjectPtr NodeViews::find(const object::ObjectKey& key) const {
    const auto known = known_.find(key);
    return known == known_.end() ? nullptr : known->second.object;
}

std::string_view NodeViews::node_of_pod(const object::ObjectKey& pod) const {
    const auto known = known_.find(pod);
    return known == known_.end() ? std::string_view() : std::string_view(known->second.node);
}

std::vector<object::ObjectKey> NodeViews::known(std::string_view kind) const {
    std::vector<object::ObjectKey> keys;
    const object::ObjectKey first{std::string(kind), {}, {}};
    for (auto it = known_.lower_bound(first); it != known_.end() && it->first.kind == kind; ++it) {
        keys.push_back(it->first);
    }
    return keys;
}

}  // namespace farhold::views
