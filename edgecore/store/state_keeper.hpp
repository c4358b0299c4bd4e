// SPDX-License-Identifier: Apache-2.0
//
// The store as the rest of edgecore sees it: what is on the disk, held in memory for readers on the
// loop, and commits that return when they are durable. Blocking work runs on a thread of its own;
// batches that arrive meanwhile are committed together. All calls are made on the loop.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/log/log.hpp"
#include "common/metrics/samples.hpp"
#include "edgecore/store/desired_state.hpp"
#include "edgecore/store/edge_store.hpp"
#include "edgecore/store/outbox.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace farhold::store {

// Since the start.
struct StoreCounters {
    std::uint64_t commits = 0;
    std::uint64_t failed_commits = 0;
    // Of each commit that succeeded, from its hand-over to the store's thread.
    metrics::Histogram commit_seconds = metrics::commit_seconds();
};

class StateKeeper {
public:
    // Told after each commit which objects differ now; may be empty when only reports changed.
    using Listener = std::function<void(std::span<const object::ObjectKey> changed)>;

    // Loads (blocking, before the loop runs).
    static Result<std::unique_ptr<StateKeeper>> open(
        Executor executor, std::unique_ptr<EdgeStore> store, log::Logger logger
    );
    StateKeeper(const StateKeeper&) = delete;
    StateKeeper& operator=(const StateKeeper&) = delete;
    ~StateKeeper();

    // Returns after the commit, with desired(), outbox() and memory() up to date. Reports in the
    // batch come from outbox().put(). Cancelling the caller does not undo the commit.
    Task<Result<void>> commit(StoreBatch batch);

    // Never taken back: listeners are parts that live as long as the program's loop.
    void on_change(Listener listener);

    [[nodiscard]] const StoreMeta& meta() const;
    [[nodiscard]] const LoadReport& load_report() const;
    [[nodiscard]] const DesiredState& desired() const;
    [[nodiscard]] Outbox& outbox();
    // Stored memory by pod uid.
    [[nodiscard]] const std::map<std::string, std::string, std::less<>>& memory() const;
    // The newest failed commit's error, until one succeeds; empty when all is well.
    [[nodiscard]] const std::string& trouble() const;
    [[nodiscard]] const StoreCounters& counters() const;

    // Commits what was handed over, then ends the thread.
    Task<> stop();

private:
    struct Impl;
    explicit StateKeeper(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::store
