// SPDX-License-Identifier: Apache-2.0
//
// Drives tolerations.hpp: whoever sees a pod bound to a machine of ours tells it here, and what must
// change is written at once, as far as the pace allows. A write that no longer fits is decided anew
// from the pod as it is now; a server that has no time is left alone for ever longer. Needs a
// cluster's permission to patch pods. Runs on the loop; keeps nothing on disk.
//
// A pod whose eviction is already due is released by the write, so a late write helps as well.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/base/backoff.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/log/trouble.hpp"
#include "common/object/object_key.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace farhold::autonomy {

// Writes since the start.
struct KeeperCounters {
    std::uint64_t written = 0;
    std::uint64_t failed = 0;   // To be tried again.
    std::uint64_t refused = 0;  // By the API, for a pod that had not changed.
};

class TolerationKeeper {
public:
    // All must outlive it.
    TolerationKeeper(
        Executor executor, kubeapi::KubeObjects& client, const Clock& clock, log::Logger logger
    );

    // Runs in the group until that is cancelled; must outlive it.
    void start(TaskGroup& group);

    // A pod bound to a machine, whenever it is seen in another state.
    void look_at(const kubeapi::ObjectPtr& pod);

    [[nodiscard]] const KeeperCounters& counters() const { return counters_; }
    // Pods that a write is due for.
    [[nodiscard]] std::size_t waiting() const { return waiting_.size() + writing_.size(); }

private:
    // Not the pod itself: those of a whole cluster may wait for minutes.
    struct Waiting {
        std::string uid;
        std::string version;
        std::string
            patch;  // JSON text; empty: the pod is to be read first, as it may have changed.
    };

    Task<> run();
    void enqueue(const object::ObjectKey& key, Waiting waiting);
    // Out of the queue; nullopt: nothing that could be written now.
    std::optional<std::pair<object::ObjectKey, Waiting>> take();
    Task<> keep(object::ObjectKey key, Waiting waiting);
    // An error is worth another try.
    Task<Result<>> write(object::ObjectKey key, Waiting pod);
    Task<> tell_refusal(json::Value pod, std::string reason);

    kubeapi::KubeObjects& client_;
    const Clock& clock_;
    log::Logger logger_;
    log::Trouble unwritten_;
    Random random_;
    Backoff backoff_;
    TaskGroup* group_ = nullptr;
    KeeperCounters counters_;
    std::map<object::ObjectKey, Waiting> waiting_;
    std::deque<object::ObjectKey> order_;  // Some may wait no longer.
    std::set<object::ObjectKey> writing_;
    std::map<std::string, Instant> refused_;  // By uid: not again before then.
    Instant not_before_{};
    Event changed_;
};

}  // namespace farhold::autonomy
