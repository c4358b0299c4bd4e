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

// Beside those that only Pods refer to.
constexpr std::array<std::string_view, 5> kKindsOfViews = {
    "Node", "Pod", "Service", "Device", "DeviceModel",
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
    encoded->content.shrink_to_fit();  // It stays for long, and its text grew by doubling.
    return encoded;
}

bool same_for_machines(const ViewObject& left, const ViewObject& right) {
    return left.uid == right.uid && left.hash == right.hash && left.encoding == right.encoding;
}

std::string node_of(const json::Value& object, const object::ObjectKey& key) {
    if (key.kind == "Node") {
        return key.name;
    }
    const bool is_bound = key.kind == "Pod" || key.kind == "Device";
    return is_bound ? std::string(object.text_at({"spec", "nodeName"})) : std::string();
}

}  // namespace

ViewObjectPtr NodeView::find(const object::ObjectKey& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
}

bool NodeView::needs(const object::ObjectKey& key) const {
    return needs_.contains(key) || (key.kind == "Service" && needs_.contains(services_of(key.ns)));
}

bool NodeView::is_unsettled(const object::ObjectKey& key, std::string_view uid) const {
    const auto found = unsettled_.find(key);
    return found != unsettled_.end() && (found->second.empty() || found->second == uid);
}

bool NodeView::keeps_back_pods() const {
    return std::ranges::any_of(unsettled_, [](const auto& one) { return !one.second.empty(); });
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
    const bool is_wanted = is_referred_kind(key.kind)
                               ? needed_by_.contains(key)
                               : std::ranges::find(kKindsOfViews, key.kind) != kKindsOfViews.end();
    if (!is_wanted) {
        return changes;
    }
    Known next;
    next.object = encode(object, key);
    next.node = node_of(object, key);
    next.deleting = object::is_deleting(object);
    if (!next.node.empty()) {
        if (key.kind == "Pod") {
            next.needs = references_of_pod(object);
            next.needs.merge(services_of_pod(object));
        }
        if (const auto model = object.text_at({"spec", "deviceModelRef", "name"});
            key.kind == "Device" && !model.empty()) {
            next.needs.insert({"DeviceModel", key.ns, std::string(model)});
        }
        next.needs.insert(key);
    }
    // The new needs first, so that what both need does not leave the view in between.
    Known& known = known_[key];
    const Known old = std::exchange(known, std::move(next));
    stop_waiting(key, old);
    need(key, old, changes);
    no_longer_need(old, changes);
    if (is_referred_kind(key.kind)) {
        needed_.arrived(key, object::resource_version(object));
    }
    settle_all(key, changes);
    release(key, changes);
    return changes;
}

ViewChanges NodeViews::remove(const object::ObjectKey& key, std::string_view uid) {
    ViewChanges changes;
    const auto found = known_.find(key);
    if (found == known_.end()) {
        needed_.another_removed(key);
        return changes;
    }
    if (found->second.object->uid != uid) {
        return changes;
    }
    needed_.removed(key);
    const Known old = std::move(found->second);
    known_.erase(found);
    stop_waiting(key, old);
    no_longer_need(old, changes);
    settle_all(key, changes);
    return changes;
}

ViewChanges NodeViews::absent(const Fetch& fetch) {
    ViewChanges changes;
    if (needed_.finish(fetch)) {
        needed_.absent(fetch.key);
        settle_all(fetch.key, changes);
        release(fetch.key, changes);
    }
    return changes;
}

void NodeViews::refused(const Fetch& fetch, const std::string& reason, Instant ask_again) {
    if (!needed_.finish(fetch)) {
        return;
    }
    needed_.refused(fetch.key, reason, ask_again);
    if (const auto pods = waiting_.find(fetch.key); pods != waiting_.end()) {
        for (const object::ObjectKey& pod : pods->second) {
            tell_if_blocked(pod, fetch.key);
        }
    }
}

void NodeViews::unanswered(const Fetch& fetch) {
    if (needed_.finish(fetch)) {
        needed_.unanswered(fetch.key);
    }
}

// Makes the views have what is needed because of `key`, of which `old` was known before.
void NodeViews::need(const object::ObjectKey& key, const Known& old, ViewChanges& changes) {
    Known& known = known_[key];
    const bool is_same = old.object != nullptr && old.object->uid == known.object->uid;
    known.told_blocked = is_same && old.told_blocked;
    for (const object::ObjectKey& needed : known.needs) {
        ++views_[known.node].needs_[needed];
        needed_by_[needed].insert(known.node);
        const bool is_new = !is_same || !old.needs.contains(needed);
        if (is_new && is_referred_kind(needed.kind)) {
            needed_.need(needed);
        }
    }
    for (const object::ObjectKey& needed : known.needs) {
        settle(known.node, needed, changes);
        if (needed == services_of(needed.ns)) {
            settle_services(known.node, needed.ns, changes);
        }
    }
}

void NodeViews::settle_services(
    const std::string& node, const std::string& ns, ViewChanges& changes
) {
    for (auto it = known_.lower_bound(services_of(ns));
         it != known_.end() && it->first.kind == "Service" && it->first.ns == ns; ++it) {
        settle(node, it->first, changes);
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
            if (is_referred_kind(key.kind)) {
                needed_.forget(key);
                known_.erase(key);
            }
        }
        settle(known.node, key, changes);
        if (key == services_of(key.ns)) {
            settle_services(known.node, key.ns, changes);
        }
    }
}

void NodeViews::settle_all(const object::ObjectKey& key, ViewChanges& changes) {
    const auto settle_where = [&](const object::ObjectKey& needed) {
        if (const auto nodes = needed_by_.find(needed); nodes != needed_by_.end()) {
            for (const std::string& node : nodes->second) {
                settle(node, key, changes);
            }
        }
    };
    settle_where(key);
    if (key.kind == "Service") {
        settle_where(services_of(key.ns));
    }
}

void NodeViews::keep_back(const object::ObjectKey& pod, const Known& known) {
    for (const object::ObjectKey& reference : known.needs) {
        if (is_referred_kind(reference.kind) && !needed_.settled(reference)) {
            waiting_[reference].insert(pod);
            tell_if_blocked(pod, reference);
        }
    }
}

// Lets those go that wait for nothing else.
void NodeViews::release(const object::ObjectKey& reference, ViewChanges& changes) {
    const auto pods = waiting_.extract(reference);
    if (pods.empty()) {
        return;
    }
    for (const object::ObjectKey& pod : pods.mapped()) {
        settle(known_.at(pod).node, pod, changes);
    }
}

void NodeViews::stop_waiting(const object::ObjectKey& pod, const Known& known) {
    for (const object::ObjectKey& reference : known.needs) {
        const auto pods = waiting_.find(reference);
        if (pods != waiting_.end() && pods->second.erase(pod) > 0 && pods->second.empty()) {
            waiting_.erase(pods);
        }
    }
}

bool NodeViews::is_kept_back(const Known& known) const {
    return !known.deleting && std::ranges::any_of(known.needs, [this](const auto& key) {
        return is_referred_kind(key.kind) && !needed_.settled(key);
    });
}

void NodeViews::tell_if_blocked(const object::ObjectKey& pod, const object::ObjectKey& reference) {
    Known& known = known_.at(pod);
    const std::string_view refusal = needed_.refusal(reference);
    if (!refusal.empty() && !known.deleting && !std::exchange(known.told_blocked, true)) {
        blocked_.push_back({pod, known.object->uid, reference, std::string(refusal)});
    }
}

// Makes the node's view have the object exactly when the node needs it and it exists. A Pod that is
// kept back stays as it was.
void NodeViews::settle(
    const std::string& node, const object::ObjectKey& key, ViewChanges& changes
) {
    NodeView& view = views_[node];
    ViewObjectPtr wanted = view.needs(key) ? find(key) : nullptr;
    const ViewObjectPtr held = view.find(key);
    const auto unsettled = view.unsettled_.extract(key);
    pods_kept_back_ -= !unsettled.empty() && !unsettled.mapped().empty() ? 1 : 0;
    if (is_referred_kind(key.kind) && view.needs(key) && !needed_.settled(key)) {
        view.unsettled_.emplace(key, std::string());
    } else if (key.kind == "Pod" && wanted != nullptr && is_kept_back(known_.at(key))) {
        keep_back(key, known_.at(key));
        ++pods_kept_back_;
        view.unsettled_.emplace(key, wanted->uid);
        wanted = held != nullptr && held->uid == wanted->uid ? held : nullptr;
    }
    if (wanted == held) {
        // Of what a machine holds of it is known now that it is gone.
        if (held == nullptr && !unsettled.empty() && !view.is_unsettled(key, unsettled.mapped())) {
            changes.push_back(ViewChange{node, key, {}});
        }
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

std::set<std::string> NodeViews::needed_by(const object::ObjectKey& key) const {
    const auto found = needed_by_.find(key);
    return found == needed_by_.end() ? std::set<std::string>() : found->second;
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
