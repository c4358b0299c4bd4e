// SPDX-License-Identifier: Apache-2.0
//
// Fetches what the views need of ConfigMaps, Secrets and ServiceAccounts, a few at a time. A server
// that has no time is left alone for ever longer; an object that it refuses is asked for again once a
// minute, and each Pod that waits for it is told so by an Event, once. Runs on the loop.
#pragma once

#include "cloudcore/views/cluster_views.hpp"
#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/base/backoff.hpp"
#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/log/trouble.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>

namespace farhold::hub {

// Answers since the start.
struct FetchCounters {
    std::uint64_t arrived = 0;
    std::uint64_t absent = 0;
    std::uint64_t refused = 0;
    std::uint64_t failed = 0;  // No answer; asked again.
};

class ObjectFetcher {
public:
    // Called after each answer with what it changed.
    using Answered = std::function<void(const views::ViewChanges& changes)>;

    // All must outlive it.
    ObjectFetcher(
        Executor executor, kubeapi::KubeClient& client, const Clock& clock, Answered answered,
        log::Logger logger
    );

    // Runs in the group until that is cancelled; must outlive it, and so must the views.
    void start(TaskGroup& group, views::ClusterViews& views);

    // Something may be due, or a Pod blocked.
    void look();

    [[nodiscard]] const FetchCounters& counters() const { return counters_; }

private:
    Task<> run();
    Task<> fetch(views::Fetch fetch);
    Task<> tell_people();

    kubeapi::KubeClient& client_;
    const Clock& clock_;
    Answered answered_;
    log::Logger logger_;
    log::Trouble unanswered_;
    Random random_;
    Backoff backoff_;
    views::ClusterViews* views_ = nullptr;
    TaskGroup* group_ = nullptr;
    FetchCounters counters_;
    std::size_t under_way_ = 0;
    Instant not_before_{};
    std::deque<views::BlockedPod> blocked_;  // To be told.
    farhold::Event due_;                     // Not the sessions' Event.
    farhold::Event blocked_changed_;
};

}  // namespace farhold::hub
