// SPDX-License-Identifier: Apache-2.0
//
// The way from the loop to the store's thread. Whatever was asked while the thread was busy goes
// there together, in one transaction, and is answered after its commit: so writes share a sync, and
// no answer, a read's neither, ever shows what is not on the disk. All calls are made on the loop.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/async/worker_thread.hpp"
#include "common/base/time.hpp"
#include "common/kuberest/api.hpp"
#include "common/kuberest/watcher.hpp"
#include "common/kubestore/store.hpp"
#include "common/log/trouble.hpp"
#include "common/metrics/metrics.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace farhold::apiserver {

class StoreQueue {
public:
    // Is told when a key that begins with its prefix has changed.
    class Subscription {
    public:
        Subscription(StoreQueue& queue, Executor executor, std::string prefix);
        Subscription(const Subscription&) = delete;
        Subscription& operator=(const Subscription&) = delete;
        ~Subscription();

        // False when the time ran out first.
        Task<bool> wait_for(Duration limit) { return changed_.wait_for(limit); }

    private:
        friend class StoreQueue;

        StoreQueue& queue_;
        std::string prefix_;
        Event changed_;
    };

    // Serves the built-in kinds. The clock and the metrics outlive it.
    StoreQueue(
        Executor executor, std::unique_ptr<kubestore::Store> store, kuberest::AccountTokens tokens,
        const Clock& clock, metrics::Registry& metrics, log::Logger logger
    );
    StoreQueue(const StoreQueue&) = delete;
    StoreQueue& operator=(const StoreQueue&) = delete;
    ~StoreQueue();

    // Serves what is asked until it is cancelled; by then nobody may wait for an answer any more.
    Task<> run();

    // 429 when too many wait already, 500 when the commit failed.
    Task<kuberest::Response> handle(kuberest::Request request);

    // `bookmark`: add one, when nothing else is to be told.
    Task<kuberest::Watcher::Lines> poll(std::shared_ptr<kuberest::Watcher> watcher, bool bookmark);

private:
    struct Job;
    struct Batch;

    // `path` is the request's.
    kuberest::Response count(
        std::string_view method, std::string_view path, kuberest::Response response
    );
    Task<bool> execute(std::shared_ptr<Job> job);
    void serve(Batch& batch);
    void notify(const Batch& batch);

    Executor executor_;
    const Clock& clock_;
    metrics::Registry& metrics_;
    metrics::Counter& commits_;
    metrics::Counter& failed_commits_;
    metrics::Gauge& revision_;
    log::Logger logger_;

    std::vector<std::shared_ptr<Job>> waiting_;
    Event wanted_;
    std::vector<Subscription*> subscriptions_;
    log::Trouble unwritable_;
    log::Trouble uncompacted_;
    metrics::Histogram commit_seconds_ = metrics::commit_seconds();
    metrics::Registration registration_;

    // Used on the store's thread only, once run() has begun.
    std::unique_ptr<kubestore::Store> store_;
    kuberest::Api api_;
    WorkerThread thread_;  // Last: joined before what it uses is gone.
};

}  // namespace farhold::apiserver
