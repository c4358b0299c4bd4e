// SPDX-License-Identifier: Apache-2.0
//
// D1, D3, P1: the power is cut at a random moment while a process commits to the edge store as fast as
// it can, also during the recovery from the cut before. Every commit that had returned is there.
#include "common/base/random.hpp"
#include "edgecore/store/sqlite_edge_store.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rig/loop_disk.hpp"
#include "tests/support/rig/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <span>
#include <stdexcept>

using namespace farhold;        // NOLINT(google-build-using-namespace)
using namespace farhold::test;  // NOLINT(google-build-using-namespace)

namespace {

constexpr std::uint64_t kKeys = 20;

// What was told, kept outside of the disk; shared with the writer.
struct Ledger {
    std::atomic<std::uint64_t> committed;  // The last commit that returned.
};

Ledger* make_ledger() {
    void* memory =
        ::mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap");
    return new (memory) Ledger{};
}

store::StoreBatch batch_of(std::uint64_t number) {
    const std::string name = "pod-" + std::to_string(number % kKeys);
    store::StoreBatch batch;
    store::DesiredRow row;
    row.key = object::ObjectKey{"Pod", "default", name};
    row.uid = "uid";
    row.resource_version = std::to_string(number);
    row.hash = std::string(16, 'h');
    row.content = std::make_shared<const std::string>(1000, 'c');
    batch.upserts.push_back(std::move(row));
    batch.reports.push_back({number, "PodStatus/default/" + name, "uid", "{}"});
    return batch;
}

// In a process of its own, until it is killed.
[[noreturn]] void write_for_ever(const std::string& folder, Ledger& ledger) {
    store::SqliteEdgeStore store(folder, "boot", "machine");
    if (!store.load()) ::_exit(1);
    for (std::uint64_t number = ledger.committed + 1;; ++number) {
        const auto batch = batch_of(number);
        if (!store.commit(std::span(&batch, 1))) ::_exit(1);
        ledger.committed = number;
    }
}

std::uint64_t newest(const store::StoreContents& contents) {
    std::uint64_t number = 0;
    for (const auto& row : contents.desired) {
        number = std::max<std::uint64_t>(number, std::stoull(row.resource_version));
    }
    return number;
}

}  // namespace

TEST_CASE("edge_store: power cut at a random moment", "[faults][store]") {
    const TempDir dir;
    LoopDisk disk(dir.path(), "disk", 64);
    Ledger& ledger = *make_ledger();
    Random random(static_cast<std::uint64_t>(::getpid()));
    const std::size_t rounds = fault_rounds(40, 400);
    std::size_t unacknowledged = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
        INFO("round " << round);
        const std::uint64_t before = ledger.committed;
        const ::pid_t writer = ::fork();
        if (writer == 0) write_for_ever(disk.path(), ledger);
        // Every fourth time at once: that is within its recovery.
        if (round % 4 == 3) {
            pause_briefly(static_cast<int>(random.between(0, 20)));
        } else {
            wait_until("the writer commits", std::chrono::seconds(20), [&] {
                return ledger.committed > before;
            });
            pause_briefly(static_cast<int>(random.between(0, 300)));
        }
        // What returns while the file system shuts down does not count: with the power cut, nobody
        // would have been there to be told.
        const std::uint64_t told = ledger.committed;
        disk.cut_power();
        ::kill(writer, SIGKILL);
        ::waitpid(writer, nullptr, 0);
        disk.restore();
        store::SqliteEdgeStore store(disk.path(), "boot", "another");
        const auto contents = store.load();
        REQUIRE(contents.has_value());
        CHECK(contents->report.clean());
        CHECK(newest(*contents) >= told);
        CHECK(contents->meta.seq_high == newest(*contents));
        CHECK(contents->desired.size() == std::min(newest(*contents), kKeys));
        if (newest(*contents) > told) ++unacknowledged;
        // That one was on the disk although nobody was told: the next goes on behind it.
        ledger.committed = newest(*contents);
    }
    std::printf(
        "power cut %zu times under load: all of %zu commits that returned were there afterwards, "
        "and "
        "%zu times one more that had not returned yet\n",
        rounds, static_cast<std::size_t>(ledger.committed), unacknowledged
    );
}
