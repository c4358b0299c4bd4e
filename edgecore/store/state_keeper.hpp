// SPDX-License-Identifier: Apache-2.0
//
// The store as the rest of edgecore sees it: what is on the disk, held in memory for readers on the
// loop, and commits that return when they are durable. Blocking work runs on a thread of its own;
// batches that arrive meanwhile are committed together. All calls are made on the loop.
//
// A disk that is full or fails ends nothing. Full: what makes room and what pods must remember is
// still written (frugal_batch.hpp), durable reports wait in memory, objects are refused. Failing:
// every commit is refused. Both are tried again at growing distances, and end by themselves.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/log/log.hpp"
#include "common/metrics/samples.hpp"
#include "edgecore/store/desired_state.hpp"
#include "edgecore/store/edge_store.hpp"
#include "edgecore/store/outbox.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace farhold::store {

enum class Health : std::uint8_t { sound, full, failing };

struct KeeperCounters {
    std::uint64_t commits = 0;  // Groups of batches, each one transaction.
    std::uint64_t failed_commits = 0;
    // Of each commit that succeeded, from its hand-over to the store's thread.
    metrics::Histogram commit_seconds = metrics::commit_seconds();
    std::uint64_t rewrites = 0;         // Of the whole database, after a failure.
    std::uint64_t reports_lost = 0;     // Damaged ones, by this store, ever.
    std::uint64_t objects_refused = 0;  // Batches with objects, as the disk was full.
};

struct KeeperOptions {
    // Between attempts to write again.
    Duration recovery_first = std::chrono::seconds(1);
    Duration recovery_last = std::chrono::seconds(30);
};

class StateKeeper {
public:
    // Told after each commit which objects differ now, and when the health has changed; may be empty
    // when only other things did.
    using Listener = std::function<void(std::span<const object::ObjectKey> changed)>;

    // Loads (blocking, before the loop runs).
    static Result<std::unique_ptr<StateKeeper>> open(
        Executor executor, std::unique_ptr<EdgeStore> store, log::Logger logger,
        KeeperOptions options = {}
    );
    StateKeeper(const StateKeeper&) = delete;
    StateKeeper& operator=(const StateKeeper&) = delete;
    ~StateKeeper();

    // Returns after the commit, with desired(), outbox() and memory() up to date. Reports in the
    // batch come from outbox().put(). Cancelling the caller does not undo the commit. On a full disk
    // it succeeds with the reports held in memory, or fails (resource_exhausted) if it brings objects;
    // what of it makes room is done all the same.
    Task<Result<void>> commit(StoreBatch batch);

    // Never taken back: listeners are parts that live as long as the program's loop.
    void on_change(Listener listener);

    [[nodiscard]] const StoreMeta& meta() const;
    [[nodiscard]] const LoadReport& load_report() const;
    [[nodiscard]] const DesiredState& desired() const;
    [[nodiscard]] Outbox& outbox();
    // Stored memory by pod uid.
    [[nodiscard]] const std::map<std::string, std::string, std::less<>>& memory() const;
    [[nodiscard]] Health health() const;
    // What is wrong and what is done about it, for people; empty when all is well.
    [[nodiscard]] const std::string& trouble() const;
    [[nodiscard]] const KeeperCounters& counters() const;
    // Reports that wait in memory for room on the disk.
    [[nodiscard]] std::size_t reports_held() const;

    // Commits what was handed over, then ends the thread.
    Task<> stop();

private:
    struct Impl;
    explicit StateKeeper(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::store
