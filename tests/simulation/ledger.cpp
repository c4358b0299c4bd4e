// SPDX-License-Identifier: Apache-2.0
#include "ledger.hpp"

#include <algorithm>
#include <iterator>

namespace farhold::simulation {

void Ledger::pod_made(
    const std::string& uid, const std::string& node, const std::set<object::ObjectKey>& needs
) {
    node_of_pod_[uid] = node;
    readable_[node].insert(needs.begin(), needs.end());
    std::ranges::copy_if(
        needs, std::inserter(needed_to_start_[uid], needed_to_start_[uid].end()),
        [this](const auto& key) { return data_.contains(key); }
    );
}

void Ledger::data_made(const object::ObjectKey& key) {
    if (!vanished_data_.contains(key)) {
        data_.insert(key);
    }
}

void Ledger::data_vanished(const object::ObjectKey& key) {
    data_.erase(key);
    vanished_data_.insert(key);
    for (auto& [uid, needs] : needed_to_start_) {
        needs.erase(key);
    }
}

void Ledger::revision_reached(std::uint64_t revision) {
    std::erase_if(vanished_, [this, revision](const auto& entry) {
        const bool forgotten = entry.second <= revision;
        if (forgotten) {
            may_stop(entry.first);
        }
        return forgotten;
    });
}

bool Ledger::read_allowed(
    const std::string& node, const object::ObjectKey& key, const std::string& uid
) const {
    if (key.kind == "Node") {
        return key.name == node;
    }
    if (key.kind == "Pod") {
        const auto pod = node_of_pod_.find(uid);
        return pod != node_of_pod_.end() && pod->second == node;
    }
    const auto keys = readable_.find(node);
    return keys != readable_.end() && keys->second.contains(key);
}

void Ledger::report_durable(const std::string& key, const std::string& uid, std::int64_t order) {
    durable_[key] = Durable{uid, order};
}

void Ledger::cluster_restored(Instant now) {
    // Longer than a hub can be paused, and the calls under way after it.
    constexpr auto kLinger = std::chrono::minutes(2);
    written_.clear();
    unfenced_until_ = now + kLinger;
}

bool Ledger::report_written(
    const std::string& key, const std::string& uid, std::int64_t order, Instant now
) {
    std::int64_t& newest = written_[{key, uid}];
    if (order < newest && now >= unfenced_until_) {
        return false;
    }
    newest = order;
    return true;
}

}  // namespace farhold::simulation
