// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/pending_changes.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace farhold::hub {
namespace {

constexpr std::size_t kObjectsPerBatch = 256;
// Small enough for one fragment, large enough that a commit is worth its price.
constexpr std::size_t kBatchBytes = tunnel::kFragmentBytes - 4096;

tunnel::Upsert to_upsert(const views::ViewObjectPtr& object) {
    return {
        .key = object->key,
        .uid = object->uid,
        .resource_version = object->resource_version,
        .hash = object->hash,
        .encoding = object->encoding,
        // Keeps the whole object alive; the bytes themselves are not copied.
        .content = std::shared_ptr<const std::string>(object, &object->content),
    };
}

// What to say about one key, as a batch of its own.
tunnel::Batch describe(
    const views::NodeView& view, const object::ObjectKey& key, const std::vector<std::string>& gone
) {
    tunnel::Batch batch;
    if (const views::ViewObjectPtr object = view.find(key)) {
        batch.upserts.push_back(to_upsert(object));  // Takes the place of whatever is held.
        return batch;
    }
    for (const std::string& uid : gone) {
        batch.removals.push_back({key, uid});
    }
    return batch;
}

}  // namespace

bool PendingChanges::Order::operator()(
    const object::ObjectKey& left, const object::ObjectKey& right
) const {
    const bool left_is_pod = left.kind == "Pod";
    const bool right_is_pod = right.kind == "Pod";
    return std::tie(left_is_pod, left) < std::tie(right_is_pod, right);
}

void PendingChanges::upsert(const object::ObjectKey& key) {
    changes_.try_emplace(key);
}

void PendingChanges::remove(const object::ObjectKey& key, const std::string& uid) {
    std::vector<std::string>& gone = changes_[key];
    if (std::ranges::find(gone, uid) == gone.end()) {
        gone.push_back(uid);
    }
}

void PendingChanges::take(
    const views::NodeView& view, std::size_t room, bool alone, tunnel::Batch& batch
) {
    std::size_t used = 0;
    std::size_t objects = 0;
    while (!changes_.empty() && objects < kObjectsPerBatch) {
        const auto first = changes_.begin();
        tunnel::Batch one = describe(view, first->first, first->second);
        const std::size_t bytes = tunnel::size_of(one);
        const std::size_t limit = objects == 0 ? room : std::min(room, kBatchBytes);
        if (used + bytes > limit && (objects > 0 || !alone)) {
            return;
        }
        used += bytes;
        objects += one.upserts.size() + one.removals.size();
        std::ranges::move(one.upserts, std::back_inserter(batch.upserts));
        std::ranges::move(one.removals, std::back_inserter(batch.removals));
        changes_.erase(first);
    }
}

}  // namespace farhold::hub
