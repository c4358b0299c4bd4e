// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/state_keeper.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "store_rows.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"

using namespace farhold;
using namespace farhold::store;
using object::ObjectKey;
using test::desired_row;
using test::run_task;

namespace {

// Shared with the test, which looks at it only when no commit is under way.
struct Disk {
    std::vector<std::size_t> commits;  // Batches in each.
    bool broken = false;
    int rewrites = 0;
};

class FakeStore final : public EdgeStore {
public:
    explicit FakeStore(Disk& disk) : disk_(disk) {}

    Result<StoreContents> load() override {
        StoreContents contents;
        contents.meta.seq_high = 10;
        contents.desired.push_back(desired_row("old", "u0"));
        contents.memory.push_back(MemoryRow{"u0", "m"});
        return contents;
    }
    Result<void> commit(std::span<const StoreBatch> batches) override {
        if (disk_.broken) {
            return fail(ErrorCode::internal, "disk error");
        }
        disk_.commits.push_back(batches.size());
        return {};
    }
    Result<void> rewrite(const StoreContents& contents, bool /*keep*/) override {
        CHECK(contents.desired.size() == 1);
        if (disk_.broken) {
            return fail(ErrorCode::internal, "disk error");
        }
        ++disk_.rewrites;
        return {};
    }
    void open_reserve() override {}
    Result<void> fill_reserve() override { return {}; }

private:
    Disk& disk_;
};

StoreBatch upsert(const std::string& name) {
    StoreBatch batch;
    batch.upserts.push_back(desired_row(name, "u"));
    return batch;
}

Task<> commit_one(StateKeeper& keeper, std::string name, int& done) {
    const Result<void> committed = co_await keeper.commit(upsert(name));
    CHECK(committed.has_value());
    CHECK(keeper.desired().find(ObjectKey{"Pod", "default", name}) != nullptr);
    ++done;
}

std::unique_ptr<StateKeeper> open(Executor executor, Disk& disk) {
    auto keeper = StateKeeper::open(
        std::move(executor), std::make_unique<FakeStore>(disk), {},
        {.recovery_first = std::chrono::milliseconds(1), .recovery_last = std::chrono::seconds(1)}
    );
    REQUIRE(keeper.has_value());
    return std::move(*keeper);
}

}  // namespace

TEST_CASE("state_keeper: shows what was loaded, then what is committed", "[store]") {
    Disk disk;
    run_task([&]() -> Task<> {
        const auto keeper = open(co_await this_executor, disk);
        CHECK(keeper->desired().size() == 1);
        CHECK(keeper->memory().at("u0") == "m");
        std::vector<ObjectKey> told;
        keeper->on_change([&told](std::span<const ObjectKey> changed) {
            told.assign(changed.begin(), changed.end());
        });
        StoreBatch batch = upsert("a");
        batch.reports.push_back(keeper->outbox().put("PodStatus/default/a", "u", "{}").value());
        batch.memory.push_back(MemoryRow{"u1", "n"});
        batch.forgotten.push_back("u0");
        CHECK(keeper->outbox().size() == 0);
        const Result<void> committed = co_await keeper->commit(std::move(batch));
        CHECK(committed.has_value());
        CHECK(told == std::vector<ObjectKey>{ObjectKey{"Pod", "default", "a"}});
        CHECK(keeper->outbox().window(0, 9).front()->seq == 11);
        CHECK(keeper->meta().seq_high == 11);
        CHECK(keeper->memory().size() == 1);
        co_await keeper->stop();
    });
}

TEST_CASE("state_keeper: what arrives during a commit is committed together", "[store]") {
    Disk disk;
    int done = 0;
    run_task([&]() -> Task<> {
        const auto keeper = open(co_await this_executor, disk);
        TaskGroup group(co_await this_executor);
        for (int i = 0; i < 10; ++i) {
            group.spawn(commit_one(*keeper, "p" + std::to_string(i), done));
        }
        co_await group.join();
        co_await keeper->stop();
    });
    CHECK(done == 10);
    CHECK(disk.commits.size() < 10);
}

TEST_CASE("state_keeper: a failed commit changes nothing that is seen", "[store]") {
    Disk disk;
    disk.broken = true;
    run_task([&]() -> Task<> {
        const auto keeper = open(co_await this_executor, disk);
        StoreBatch batch = upsert("a");
        batch.reports.push_back(keeper->outbox().put("k", "u", "{}").value());
        Result<void> committed = co_await keeper->commit(batch);
        CHECK_FALSE(committed.has_value());
        CHECK(keeper->desired().size() == 1);
        CHECK(keeper->outbox().size() == 0);
        CHECK(keeper->health() == Health::failing);
        CHECK(keeper->trouble().ends_with("disk error"));
        disk.broken = false;
        Event pause(co_await this_executor);
        for (int i = 0; i < 1000 && keeper->health() != Health::sound; ++i) {
            co_await pause.wait_for(std::chrono::milliseconds(10));
        }
        CHECK(disk.rewrites == 1);
        committed = co_await keeper->commit(batch);
        CHECK(committed.has_value());
        CHECK(keeper->trouble().empty());
        co_await keeper->stop();
    });
}

TEST_CASE("state_keeper: a cancelled caller does not undo its commit", "[store]") {
    Disk disk;
    int done = 0;
    run_task([&]() -> Task<> {
        const auto keeper = open(co_await this_executor, disk);
        TaskGroup group(co_await this_executor);
        group.spawn(commit_one(*keeper, "a", done));
        Result<void> other = co_await keeper->commit(upsert("b"));
        CHECK(other.has_value());
        group.cancel();
        co_await group.join();
        co_await keeper->stop();
        CHECK(keeper->desired().find(ObjectKey{"Pod", "default", "a"}) != nullptr);
        other = co_await keeper->commit(upsert("c"));
        CHECK(other.error().code() == ErrorCode::unavailable);
    });
}
