// SPDX-License-Identifier: Apache-2.0
//
// A watch as seen from the loop: waits until there is something to send. The next piece is made
// only after the one before has been taken, so a slow reader holds up nobody and costs no memory.
#pragma once

#include "cloudcore/apiserver/store_queue.hpp"
#include "common/async/task.hpp"
#include "common/base/time.hpp"
#include "common/kuberest/watcher.hpp"

#include <memory>
#include <string>

namespace farhold::apiserver {

class WatchFeed {
public:
    // The queue and the clock must outlive it.
    WatchFeed(
        StoreQueue& queue, const Clock& clock, Executor executor,
        std::unique_ptr<kuberest::Watcher> watcher, Duration longest
    );

    // Whole lines, perhaps none when the stream has come to its orderly end.
    struct Piece {
        std::string text;
        bool last = false;
    };
    Task<Piece> next();

private:
    StoreQueue& queue_;
    const Clock& clock_;
    std::shared_ptr<kuberest::Watcher> watcher_;  // Shared with a poll that outlives its caller.
    StoreQueue::Subscription subscription_;
    Instant end_;
    Instant next_bookmark_;
};

}  // namespace farhold::apiserver
