// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/state_keeper.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/async/worker_thread.hpp"
#include "edgecore/store/frugal_batch.hpp"

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

        void finish(Result<void> with) {
            outcome = std::move(with);
            done = true;
            finished.set();
        }

        StoreBatch batch;
        Result<void> outcome;
        bool done = false;
        Event finished;
    };
    using Group = std::vector<std::shared_ptr<Pending>>;
    using Keys = std::vector<object::ObjectKey>;

    Impl(
        Executor on, std::unique_ptr<EdgeStore> disk, StoreContents contents, log::Logger log,
        KeeperOptions given
    )
        : executor(on),
          store(std::move(disk)),
          logger(std::move(log)),
          options(given),
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
        counters.reports_lost = meta.reports_lost;
        if (!report.not_writable.empty()) {
            ail(Health::failing, report.not_writable);
        }
        group.spawn(run());
    }

    Task<> run();
    Group take_group();
    Task<> commit_whole(const Group& members);
    Task<> commit_frugally(const Group& members);
    Task<Result<void>> write(const std::vector<StoreBatch>& batches);
    Task<Result<void>> rewrite(bool keep_present);
    Task<> recover();
    Task<> release_held();

    void hold(std::vector<ReportRow> rows);
    void apply(StoreBatch& batch, Keys& changed);
    void tell(const Keys& changed);
    void ail(Health state, const std::string& why);
    void get_well();
    void wait_longer();
    StoreContents contents() const;

    Executor executor;
    std::unique_ptr<EdgeStore> store;
    log::Logger logger;
    KeeperOptions options;
    SystemClock clock;
    StoreMeta meta;
    LoadReport report;
    DesiredState desired;
    Outbox outbox;
    std::map<std::string, std::string, std::less<>> memory;
    std::vector<Listener> listeners;
    KeeperCounters counters;

    Health health = Health::sound;
    std::string trouble;
    Duration recovery_wait{};
    Instant recovery_due;
    std::map<std::string, ReportRow> held;  // By key: the newest, without a place in the outbox.

    // Shared with the callers, who may be cancelled while they wait.
    Group queue;
    bool stopping = false;
    Event arrived;
    WorkerThread worker;
    TaskGroup group;
};

Task<> StateKeeper::Impl::run() {
    while (true) {
        const Instant now = clock.now().mono;
        if (health != Health::sound && now >= recovery_due) {
            co_await recover();
        } else if (!queue.empty()) {
            const Group members = take_group();
            if (health == Health::full) {
                co_await commit_frugally(members);
            } else {
                co_await commit_whole(members);
            }
        } else if (stopping) {
            co_await release_held();
            co_return;
        } else if (health != Health::sound) {
            co_await arrived.wait_for(recovery_due - now);
        } else {
            co_await arrived.wait();
        }
    }
}

StateKeeper::Impl::Group StateKeeper::Impl::take_group() {
    const auto count = static_cast<std::ptrdiff_t>(std::min(queue.size(), kGroupMax));
    Group members(queue.begin(), queue.begin() + count);
    queue.erase(queue.begin(), queue.begin() + count);
    return members;
}

// All of it or nothing. A failure that a new database can heal is healed first.
Task<> StateKeeper::Impl::commit_whole(const Group& members) {
    std::vector<StoreBatch> batches;
    for (const auto& pending : members) {
        batches.push_back(pending->batch);
    }
    Result<void> outcome = fail(ErrorCode::unavailable, trouble);
    if (health == Health::sound) {
        outcome = co_await write(batches);
        if (!outcome && outcome.error().code() != ErrorCode::resource_exhausted) {
            logger.error("store rewritten", {{"after", outcome.error().message()}});
            const Result<void> again =
                co_await rewrite(outcome.error().code() == ErrorCode::corrupt);
            outcome = again ? co_await write(batches) : again;
        }
    }
    if (!outcome && health == Health::sound) {
        const bool full = outcome.error().code() == ErrorCode::resource_exhausted;
        ail(full ? Health::full : Health::failing, outcome.error().message());
        if (full) {
            co_await worker.run([this] { store->open_reserve(); });
            co_await commit_frugally(members);
            co_return;
        }
    }
    Keys changed;
    for (const auto& pending : members) {
        if (outcome) {
            apply(pending->batch, changed);
        }
        pending->finish(outcome);
    }
    tell(changed);
}

Task<> StateKeeper::Impl::commit_frugally(const Group& members) {
    std::vector<FrugalBatch> parts;
    std::vector<StoreBatch> batches;
    for (const auto& pending : members) {
        parts.push_back(make_frugal(pending->batch));
        if (!parts.back().essential.empty()) {
            batches.push_back(parts.back().essential);
        }
    }
    Result<void> outcome;
    if (!batches.empty()) {
        outcome = co_await write(batches);
        if (!outcome && outcome.error().code() != ErrorCode::resource_exhausted) {
            ail(Health::failing, outcome.error().message());
        }
    }
    Keys changed;
    for (std::size_t i = 0; i < members.size(); ++i) {
        Result<void> of_this = outcome;
        if (outcome) {
            apply(parts[i].essential, changed);
            hold(std::move(parts[i].held));
        }
        if (outcome && parts[i].refused) {
            ++counters.objects_refused;
            of_this = fail(ErrorCode::resource_exhausted, trouble);
        }
        members[i]->finish(std::move(of_this));
    }
    tell(changed);
}

Task<Result<void>> StateKeeper::Impl::write(const std::vector<StoreBatch>& batches) {
    const Instant began = clock.now().mono;
    Result<void> outcome = co_await worker.run([this, &batches] { return store->commit(batches); });
    if (!outcome) {
        ++counters.failed_commits;
        co_return outcome;
    }
    ++counters.commits;
    const std::chrono::duration<double> took = clock.now().mono - began;
    counters.commit_seconds.observe(took.count());
    co_return outcome;
}

// What is held in memory is what the last successful commit left.
Task<Result<void>> StateKeeper::Impl::rewrite(bool keep_present) {
    const StoreContents everything = contents();
    Result<void> outcome = co_await worker.run([this, &everything, keep_present] {
        return store->rewrite(everything, keep_present);
    });
    counters.rewrites += outcome ? 1 : 0;
    co_return outcome;
}

Task<> StateKeeper::Impl::recover() {
    Result<void> outcome;
    if (health == Health::full) {
        outcome = co_await worker.run([this] { return store->fill_reserve(); });
    } else {
        outcome = co_await rewrite(false);
    }
    if (!outcome) {
        wait_longer();
        co_return;
    }
    get_well();
    co_await release_held();
    tell({});
}

// Under new numbers, since what came later may have been sent by now.
Task<> StateKeeper::Impl::release_held() {
    if (held.empty()) {
        co_return;
    }
    StoreBatch batch;
    for (const auto& [key, row] : held) {
        if (auto again = outbox.put(key, row.uid, row.body)) {
            batch.reports.push_back(std::move(*again));
        }
    }
    const Result<void> outcome = co_await write({batch});
    if (outcome) {
        Keys changed;
        apply(batch, changed);
        held.clear();
    } else if (stopping) {
        logger.error("reports lost, the disk is full", {{"count", held.size()}});
    } else {
        const bool full = outcome.error().code() == ErrorCode::resource_exhausted;
        ail(full ? Health::full : Health::failing, outcome.error().message());
    }
}

void StateKeeper::Impl::hold(std::vector<ReportRow> rows) {
    for (ReportRow& row : rows) {
        std::string key = row.key;
        held.insert_or_assign(std::move(key), std::move(row));
    }
}

void StateKeeper::Impl::apply(StoreBatch& batch, Keys& changed) {
    const auto keys = desired.apply(batch);
    changed.insert(changed.end(), keys.begin(), keys.end());
    for (ReportRow& row : batch.reports) {
        held.erase(row.key);
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

void StateKeeper::Impl::tell(const Keys& changed) {
    for (const Listener& listener : listeners) {
        listener(changed);
    }
}

void StateKeeper::Impl::ail(Health state, const std::string& why) {
    const bool full = state == Health::full;
    trouble = full ? "the disk is full, only what makes room and what pods must remember is "
                     "written: "
                   : "the store cannot be written, pods go on without it: ";
    trouble += why;
    if (health != state) {
        health = state;
        recovery_wait = options.recovery_first;
        recovery_due = clock.now().mono + recovery_wait;
        logger.error(full ? "disk full" : "cannot write the store", {{"error", why}});
    }
}

void StateKeeper::Impl::get_well() {
    logger.info("the store can be written again", {{"reports_held", held.size()}});
    health = Health::sound;
    trouble.clear();
}

void StateKeeper::Impl::wait_longer() {
    recovery_wait = std::min(recovery_wait * 2, options.recovery_last);
    recovery_due = clock.now().mono + recovery_wait;
}

StoreContents StateKeeper::Impl::contents() const {
    StoreContents everything;
    everything.meta = meta;
    for (const DesiredRow* row : desired.all()) {
        everything.desired.push_back(*row);
    }
    for (const ReportRow* row : outbox.window(0, kOutboxRowsMax)) {
        everything.reports.push_back(*row);
    }
    for (const auto& [pod_uid, text] : memory) {
        everything.memory.push_back({.pod_uid = pod_uid, .text = text});
    }
    return everything;
}

Result<std::unique_ptr<StateKeeper>> StateKeeper::open(
    Executor executor, std::unique_ptr<EdgeStore> store, log::Logger logger, KeeperOptions options
) {
    auto contents = store->load();
    if (!contents) {
        return fail(contents.error());
    }
    for (const std::string& finding : contents->report.findings) {
        logger.error("damage in the store", {{"finding", finding}});
    }
    auto impl = std::make_unique<Impl>(
        std::move(executor), std::move(store), std::move(*contents), std::move(logger), options
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

Health StateKeeper::health() const {
    return impl_->health;
}

const std::string& StateKeeper::trouble() const {
    return impl_->trouble;
}

const KeeperCounters& StateKeeper::counters() const {
    return impl_->counters;
}

std::size_t StateKeeper::reports_held() const {
    return impl_->held.size();
}

Task<> StateKeeper::stop() {
    impl_->stopping = true;
    impl_->arrived.set();
    co_await impl_->group.join();
}

}  // namespace farhold::store
