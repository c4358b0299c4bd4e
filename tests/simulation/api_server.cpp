// SPDX-License-Identifier: Apache-2.0
#include "api_server.hpp"

#include "common/object/metadata.hpp"
#include "invariants.hpp"

#include <algorithm>
#include <utility>

namespace farhold::simulation {
namespace {

constexpr std::size_t kHistory = 500;

object::ObjectKey key_of(const json::Value& object) {
    return object::ObjectKey::of(object);
}

}  // namespace

Result<ObjectPtr> ApiServer::get(const object::ObjectKey& key) const {
    const auto found = objects_.find(key);
    if (found == objects_.end()) {
        return fail(ErrorCode::not_found, key.text() + " not found");
    }
    return found->second;
}

Result<ObjectPtr> ApiServer::create(json::Value object) {
    if (objects_.contains(key_of(object))) {
        return fail(ErrorCode::already_exists, key_of(object).text() + " already exists");
    }
    std::string uid = world_.random.uuid();
    object["metadata"].set("uid", json::Value::of(uid));
    made_at_[std::move(uid)] = revision_ + 1;
    return store(std::move(object));
}

Result<ObjectPtr> ApiServer::update(json::Value object) {
    const auto found = objects_.find(key_of(object));
    if (found == objects_.end()) {
        return fail(ErrorCode::not_found, key_of(object).text() + " not found");
    }
    const json::Value& current = *found->second;
    const std::string_view uid = object::uid(object);
    const std::string_view version = object::resource_version(object);
    if ((!uid.empty() && uid != object::uid(current)) ||
        (!version.empty() && version != object::resource_version(current))) {
        return fail(ErrorCode::conflict, "the object has been modified");
    }
    object["metadata"].set("uid", json::Value::of(object::uid(current)));
    return store(std::move(object));
}

Result<void> ApiServer::remove(const object::ObjectKey& key, const std::string& uid) {
    const auto found = objects_.find(key);
    if (found == objects_.end()) {
        return fail(ErrorCode::not_found, key.text() + " not found");
    }
    if (!uid.empty() && object::uid(*found->second) != uid) {
        return fail(ErrorCode::conflict, "uid precondition failed");
    }
    json::Value last = *found->second;
    if (key.kind == "Pod") {
        world_.ledger.may_stop(std::string(object::uid(last)));
    }
    objects_.erase(found);
    last["metadata"].set("resourceVersion", json::Value::of(std::to_string(++revision_)));
    record(true, std::make_shared<const json::Value>(std::move(last)));
    return {};
}

void ApiServer::delete_gracefully(const object::ObjectKey& pod) {
    const auto found = objects_.find(pod);
    if (found == objects_.end()) {
        return;
    }
    json::Value object = *found->second;
    const std::string uid(object::uid(object));
    world_.ledger.may_stop(uid);
    if (object.text_at({"spec", "nodeName"}).empty()) {
        static_cast<void>(remove(pod, uid));
        return;
    }
    json::Value& metadata = object["metadata"];
    metadata.set("deletionTimestamp", json::Value::of("2024-01-01T00:00:00Z"));
    metadata.set("deletionGracePeriodSeconds", json::Value::of(5));
    store(std::move(object));
}

Listing ApiServer::list(const std::string& kind) const {
    return Listing{of_kind(kind), revision_, cluster_uid_};
}

std::vector<ObjectPtr> ApiServer::of_kind(const std::string& kind) const {
    std::vector<ObjectPtr> objects;
    for (auto it = objects_.lower_bound(object::ObjectKey{kind, {}, {}});
         it != objects_.end() && it->first.kind == kind; ++it) {
        objects.push_back(it->second);
    }
    return objects;
}

Result<std::vector<Change>> ApiServer::changes_after(
    const std::string& kind, std::uint64_t revision
) const {
    const std::uint64_t oldest = history_.empty() ? revision_ + 1 : history_.front().revision;
    if (revision > revision_ || revision + 1 < oldest) {
        return fail(ErrorCode::resource_exhausted, "too old resource version");
    }
    std::vector<Change> changes;
    auto change = std::ranges::upper_bound(history_, revision, {}, &Change::revision);
    for (; change != history_.end(); ++change) {
        if (change->kind == kind) {
            changes.push_back(*change);
        }
    }
    return changes;
}

ObjectPtr ApiServer::store(json::Value object) {
    object["metadata"].set("resourceVersion", json::Value::of(std::to_string(++revision_)));
    account_for_report(object);
    auto stored = std::make_shared<const json::Value>(std::move(object));
    objects_[key_of(*stored)] = stored;
    record(false, stored);
    return stored;
}

void ApiServer::record(bool removed, ObjectPtr object) {
    world_.ledger.revision_reached(revision_);
    const object::ObjectKey key = key_of(*object);
    changed_since_snapshot_.push_back(key);
    history_.push_back(Change{revision_, key.kind, removed, std::move(object)});
    if (history_.size() > kHistory) {
        history_.pop_front();
    }
    for (const auto& changed : subscribers_) {
        changed(key.kind);
    }
}

void ApiServer::account_for_report(const json::Value& object) {
    const json::Value* status = object.find("status");
    if (status == nullptr || status->find("order") == nullptr) {
        return;
    }
    const object::ObjectKey key = key_of(object);
    const std::string report = fmt::format("{}Status/{}/{}", key.kind, key.ns, key.name);
    check_monotone(world_, report, std::string(object::uid(object)), status->integer_at({"order"}));
}

void ApiServer::take_snapshot() {
    snapshot_ = Snapshot{objects_, revision_};
    changed_since_snapshot_.clear();
}

void ApiServer::account_for_vanished() {
    for (const ObjectPtr& pod : of_kind("Pod")) {
        const std::string uid(object::uid(*pod));
        const auto kept = snapshot_.objects.find(key_of(*pod));
        if (kept == snapshot_.objects.end()) {
            world_.ledger.vanished(uid, made_at_.at(uid));
        } else if (object::uid(*kept->second) != uid) {
            // The older pod of that name is wanted again, and there is room for one.
            world_.ledger.may_stop(uid);
        }
    }
    for (const auto& [key, object] : objects_) {
        if (!snapshot_.objects.contains(key)) {
            world_.ledger.data_vanished(key);
        }
    }
}

void ApiServer::restore() {
    if (snapshot_.revision == 0) {
        return;
    }
    const std::uint64_t before = revision_;
    account_for_vanished();
    objects_ = snapshot_.objects;
    revision_ = snapshot_.revision;
    history_.clear();
    ++incarnation_;
    world_.ledger.cluster_restored(world_.now());
    auto lost = std::exchange(changed_since_snapshot_, {});
    // Never up to the very revision that its clients know: that a server has been put back shows by
    // nothing then, which is why etcd wants its revision bumped after a restore.
    lost.resize(world_.random.between(0, std::max<std::size_t>(lost.size(), 1) - 1));
    for (const object::ObjectKey& key : lost) {
        const auto found = objects_.find(key);
        if (found == objects_.end()) {
            ++revision_;
            continue;
        }
        json::Value object = *found->second;
        object.ensure_path({"metadata", "annotations"})
            .set("restored", json::Value::of(fmt::format("{}-{}", incarnation_, revision_)));
        store(std::move(object));
    }
    world_.ledger.revision_reached(revision_);
    // As the watch cache of a server that has just started: it knows of nothing before.
    history_.clear();
    for (const auto& changed : subscribers_) {
        changed({});
    }
    world_.note("API server restored: {} -> {} -> {}", before, snapshot_.revision, revision_);
}

}  // namespace farhold::simulation
