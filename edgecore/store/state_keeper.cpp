// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/state_keeper.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/async/worker_thread.hpp"
#include "common/base/time.hpp"
#include "common/log/trouble.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace farhold::store {
namespace {

// Batches committed as one at most; what comes later waits for the next commit.
constexpr std::size_t kGroupMax = 64;

}  // namespace

struct StateKeeper::Impl {
    struct Pending {
        explicit Pending(Executor executor, StoreBatch to_commit)
            : batch(std::move(to_commit)), finished(std::move(executor)) {}

        StoreBatch batch;
        Result<void> outcome;
        bool done = false;
        Event finished;
    };

    Impl(Executor on, std::unique_ptr<EdgeStore> disk, StoreContents contents, log::Logger log)
        : executor(on),
          store(std::move(disk)),
          logger(std::move(log)),
          meta(std::move(contents.meta)),
          report(std::move(contents.report)),
          desired(std::move(contents.desired), meta.complete),
          outbox(std::move(contents.reports), meta.seq_high),
          arrived(on),
          worker("store"),
          group(on) {
        for (MemoryRow& row : contents.memory) {
            memory.emplace(std::move(row.pod_uid), std::move(row.text));
        }
        group.spawn(run());
    }

    Task<> run();
    void apply(StoreBatch& batch, std::vector<object::ObjectKey>& changed);
    void conclude(const Result<void>& outcome, std::chrono::duration<double> took);

    Executor executor;
    std::unique_ptr<EdgeStore> store;
    log::Logger logger;
    StoreMeta meta;
    LoadReport report;
    DesiredState desired;
    Outbox outbox;
    std::map<std::string, std::string, std::less<>> memory;
    std::vector<Listener> listeners;
    std::string trouble;
    log::Trouble unwritable{
        logger, "cannot write the store", "the store can be written again", log::Level::error
    };
    StoreCounters counters;

    // Shared with the callers, who may be cancelled while they wait.
    std::vector<std::shared_ptr<Pending>> queue;
    bool stopping = false;
    Event arrived;
    WorkerThread worker;
    TaskGroup group;
};

Task<> StateKeeper::Impl::run() {
    while (true) {
        if (queue.empty()) {
            if (stopping) {
                co_return;
            }
            co_await arrived.wait();
            continue;
        }
        const auto count = static_cast<std::ptrdiff_t>(std::min(queue.size(), kGroupMax));
        const std::vector<std::shared_ptr<Pending>> group_commit(
            queue.begin(), queue.begin() + count
        );
        queue.erase(queue.begin(), queue.begin() + count);
        std::vector<StoreBatch> batches;
        for (const auto& pending : group_commit) {
            batches.push_back(pending->batch);
        }
        const auto began = std::chrono::steady_clock::now();
        const Result<void> outcome =
            co_await worker.run([this, &batches] { return store->commit(batches); });
        conclude(outcome, std::chrono::steady_clock::now() - began);
        std::vector<object::ObjectKey> changed;
        for (const auto& pending : group_commit) {
            if (outcome) {
                apply(pending->batch, changed);
            }
            pending->outcome = outcome;
            pending->done = true;
            pending->finished.set();
        }
        if (outcome) {
            for (const Listener& listener : listeners) {
                listener(changed);
            }
        }
    }
}

void StateKeeper::Impl::apply(StoreBatch& batch, std::vector<object::ObjectKey>& changed) {
    const auto keys = desired.apply(batch);
    changed.insert(changed.end(), keys.begin(), keys.end());
    for (ReportRow& row : batch.reports) {
        outbox.stored(std::move(row));
    }
    for (const std::uint64_t seq : batch.acknowledged) {
        outbox.acknowledge(seq);
    }
    for (MemoryRow& row : batch.memory) {
        memory.insert_or_assign(std::move(row.pod_uid), std::move(row.text));
    }
    for (const std::string& pod_uid : batch.forgotten) {
        memory.erase(pod_uid);
    }
    meta.trusted_time = batch.trusted_time.value_or(meta.trusted_time);
    meta.complete = desired.complete();
    meta.seq_high = outbox.seq_high();
}

void StateKeeper::Impl::conclude(const Result<void>& outcome, std::chrono::duration<double> took) {
    const Instant now = SystemClock().now().mono;
    if (outcome) {
        ++counters.commits;
        counters.commit_seconds.observe(took.count());
        unwritable.over(now);
        trouble.clear();
    } else {
        ++counters.failed_commits;
        trouble = outcome.error().message();
        unwritable.met(trouble, now);
    }
}

Result<std::unique_ptr<StateKeeper>> StateKeeper::open(
    Executor executor, std::unique_ptr<EdgeStore> store, log::Logger logger
) {
    auto contents = store->load();
    if (!contents) {
        return fail(contents.error());
    }
    for (const std::string& finding : contents->report.findings) {
        logger.error("damage in the store", {{"finding", finding}});
    }
    auto impl = std::make_unique<Impl>(
        std::move(executor), std::move(store), std::move(*contents), std::move(logger)
    );
    return std::unique_ptr<StateKeeper>(new StateKeeper(std::move(impl)));
}

StateKeeper::StateKeeper(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StateKeeper::~StateKeeper() = default;

Task<Result<void>> StateKeeper::commit(StoreBatch batch) {
    if (batch.empty()) {
        co_return Result<void>();
    }
    if (impl_->stopping) {
        co_return fail(ErrorCode::unavailable, "the store is closed");
    }
    const auto pending = std::make_shared<Impl::Pending>(impl_->executor, std::move(batch));
    impl_->queue.push_back(pending);
    impl_->arrived.set();
    while (!pending->done) {
        co_await pending->finished.wait();
    }
    co_return pending->outcome;
}

void StateKeeper::on_change(Listener listener) {
    impl_->listeners.push_back(std::move(listener));
}

const StoreMeta& StateKeeper::meta() const {
    return impl_->meta;
}

const LoadReport& StateKeeper::load_report() const {
    return impl_->report;
}

const DesiredState& StateKeeper::desired() const {
    return impl_->desired;
}

Outbox& StateKeeper::outbox() {
    return impl_->outbox;
}

const std::map<std::string, std::string, std::less<>>& StateKeeper::memory() const {
    return impl_->memory;
}

const std::string& StateKeeper::trouble() const {
    return impl_->trouble;
}

const StoreCounters& StateKeeper::counters() const {
    return impl_->counters;
}

Task<> StateKeeper::stop() {
    impl_->stopping = true;
    impl_->arrived.set();
    co_await impl_->group.join();
}

}  // namespace farhold::store
