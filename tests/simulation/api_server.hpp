// SPDX-License-Identifier: Apache-2.0
//
// A Kubernetes API server as far as hubs can tell: objects with revisions, guarded writes, lists,
// and watches over a history that may be gone. It can be put back to an older state, after which it
// gives the same revisions to other bodies, as an etcd restored from a backup does.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"
#include "common/object/object_key.hpp"
#include "world.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace farhold::simulation {

using ObjectPtr = std::shared_ptr<const json::Value>;

struct Change {
    std::uint64_t revision = 0;
    std::string kind;
    bool removed = false;
    ObjectPtr object;
};

struct Listing {
    std::vector<ObjectPtr> objects;
    std::uint64_t revision = 0;
    std::string cluster_uid;
};

class ApiServer {
public:
    explicit ApiServer(World& world) : world_(world), cluster_uid_(world.random.uuid()) {}

    Result<ObjectPtr> get(const object::ObjectKey& key) const;
    // Gives it a uid and a revision.
    Result<ObjectPtr> create(json::Value object);
    // ErrorCode::conflict unless uid and resourceVersion, as far as given, are the current ones.
    Result<ObjectPtr> update(json::Value object);
    Result<void> remove(const object::ObjectKey& key, const std::string& uid);

    // With a deletionTimestamp if it is bound to a node, else at once.
    void delete_gracefully(const object::ObjectKey& pod);

    [[nodiscard]] Listing list(const std::string& kind) const;
    // ErrorCode::resource_exhausted when the history does not reach back, or not as far.
    Result<std::vector<Change>> changes_after(const std::string& kind, std::uint64_t revision)
        const;
    // Told after every change of an object of that kind; no kind: every watch has broken.
    void subscribe(std::function<void(const std::string& kind)> changed) {
        subscribers_.push_back(std::move(changed));
    }
    // Raised whenever every connection to the server broke.
    [[nodiscard]] std::uint64_t incarnation() const { return incarnation_; }

    void compact() { history_.clear(); }
    void take_snapshot();
    // To the last snapshot. Of what was changed since, the first part is changed again in the same
    // order, but otherwise.
    void restore();

    [[nodiscard]] const std::map<object::ObjectKey, ObjectPtr>& objects() const { return objects_; }
    [[nodiscard]] std::vector<ObjectPtr> of_kind(const std::string& kind) const;

private:
    struct Snapshot {
        std::map<object::ObjectKey, ObjectPtr> objects;
        std::uint64_t revision = 0;
    };

    ObjectPtr store(json::Value object);
    void record(bool removed, ObjectPtr object);
    void account_for_vanished();
    void account_for_report(const json::Value& object);

    World& world_;
    std::string cluster_uid_;
    std::map<object::ObjectKey, ObjectPtr> objects_;
    std::uint64_t revision_ = 1;
    std::deque<Change> history_;
    std::uint64_t incarnation_ = 1;
    std::vector<std::function<void(const std::string&)>> subscribers_;
    Snapshot snapshot_;
    std::vector<object::ObjectKey> changed_since_snapshot_;
    std::map<std::string, std::uint64_t> made_at_;  // Uid -> revision.
};

}  // namespace farhold::simulation
