// SPDX-License-Identifier: Apache-2.0
//
// What really happened, as no part of the system knows it: the invariants judge by this and not by
// what hubs and machines believe.
#pragma once

#include "common/base/time.hpp"
#include "common/object/object_key.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace farhold::simulation {

class Ledger {
public:
    // Every pod uid that ever was: where it runs and what it refers to.
    void pod_made(
        const std::string& uid, const std::string& node, const std::set<object::ObjectKey>& needs
    );
    // Something that pods may refer to was not there before; nobody deletes any.
    void data_made(const object::ObjectKey& key);
    // It is not in the state that the cluster was put back to.
    void data_vanished(const object::ObjectKey& key);
    // Its deletion was asked for, or a person confirmed that it is gone.
    void may_stop(const std::string& uid) { may_stop_.insert(uid); }
    // It is not in the state that the cluster was put back to, and was made at that revision. Once
    // the cluster has come so far again, a list need not look older than what a hub has seen.
    void vanished(const std::string& uid, std::uint64_t revision) { vanished_[uid] = revision; }
    void revision_reached(std::uint64_t revision);
    // A hub that has started anew cannot know what ever was, and a person may say that it is gone.
    void absence_counts() { revision_reached(UINT64_MAX); }
    // Its containers may be replaced.
    void respecified(const std::string& uid) { respecified_.insert(uid); }

    [[nodiscard]] bool stop_allowed(const std::string& uid) const {
        return may_stop_.contains(uid);
    }
    [[nodiscard]] bool replacement_allowed(const std::string& uid) const {
        return stop_allowed(uid) || respecified_.contains(uid);
    }
    // What the pod refers to and was there before it.
    [[nodiscard]] const std::set<object::ObjectKey>& needed_to_start(const std::string& uid) const {
        return needed_to_start_.at(uid);
    }
    [[nodiscard]] bool read_allowed(
        const std::string& node, const object::ObjectKey& key, const std::string& uid
    ) const;

    // Each report carries a number that rises with every report of its machine.
    void report_durable(const std::string& key, const std::string& uid, std::int64_t order);
    // The disk lost it, which the store has said.
    void report_damaged(const std::string& key) { durable_.erase(key); }
    struct Durable {
        std::string uid;
        std::int64_t order = 0;
    };
    [[nodiscard]] const std::map<std::string, Durable>& durable() const { return durable_; }

    // False when Kubernetes has seen a newer one of that key and object.
    bool report_written(
        const std::string& key, const std::string& uid, std::int64_t order, Instant now
    );
    // The cluster was put back to an older state, and with it what it had been told. It has forgotten
    // epochs that it gave out, so for a while nothing can fence what their sessions still write.
    void cluster_restored(Instant now);

private:
    std::map<std::string, std::string> node_of_pod_;
    std::map<std::string, std::set<object::ObjectKey>> readable_;  // By node.
    std::set<object::ObjectKey> data_;
    std::set<object::ObjectKey> vanished_data_;  // Hubs may believe in an older one of that name.
    std::map<std::string, std::set<object::ObjectKey>> needed_to_start_;  // By pod.
    std::set<std::string> may_stop_;
    std::map<std::string, std::uint64_t> vanished_;
    std::set<std::string> respecified_;
    std::map<std::string, Durable> durable_;  // The newest on a disk, by key.
    std::map<std::pair<std::string, std::string>, std::int64_t> written_;
    Instant unfenced_until_{};
};

}  // namespace farhold::simulation
