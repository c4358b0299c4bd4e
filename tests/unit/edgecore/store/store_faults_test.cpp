// SPDX-License-Identifier: Apache-2.0
//
// The store on a disk that fails: at each operation in turn, for ever, or for want of room.
#include "common/async/event.hpp"
#include "edgecore/store/sqlite_edge_store.hpp"
#include "edgecore/store/state_keeper.hpp"
#include "store_rows.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fault_vfs/fault_vfs.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

#include <atomic>
#include <filesystem>
#include <functional>

using namespace farhold;
using namespace farhold::store;
using namespace std::chrono_literals;
using object::ObjectKey;
using test::desired_row;
using test::DiskFault;
using test::FaultVfs;
using test::report_row;
using test::run_task;

namespace {

// The store of the program, with a reserve that the test gives and takes.
class Disk final : public EdgeStore {
public:
    Disk(const std::string& folder, std::atomic<bool>& has_room)
        : store_(folder, "boot", "machine"), has_room_(has_room) {}

    Result<StoreContents> load() override { return store_.load(); }
    Result<void> commit(std::span<const StoreBatch> batches) override {
        return store_.commit(batches);
    }
    Result<void> rewrite(const StoreContents& contents, bool keep) override {
        return store_.rewrite(contents, keep);
    }
    void open_reserve() override { opened = true; }
    Result<void> fill_reserve() override {
        if (!has_room_) {
            return fail(ErrorCode::resource_exhausted, "no room");
        }
        return {};
    }

    std::atomic<bool> opened = false;

private:
    SqliteEdgeStore store_;
    std::atomic<bool>& has_room_;
};

StoreContents load(const test::TempDir& dir) {
    SqliteEdgeStore store(dir.path(), "boot", "machine");
    auto contents = store.load();
    REQUIRE(contents.has_value());
    return std::move(*contents);
}

// Two objects, a report and a memory row, closed well.
void prepare(const test::TempDir& dir) {
    SqliteEdgeStore store(dir.path(), "boot", "machine");
    REQUIRE(store.load());
    StoreBatch batch;
    batch.upserts = {desired_row("a", "u1"), desired_row("b", "u2")};
    batch.reports = {report_row(1, "PodStatus/default/a")};
    batch.memory = {MemoryRow{"u1", "one"}};
    batch.complete = true;
    REQUIRE(store.commit(std::span(&batch, 1)));
}

bool has(const StoreContents& contents, const std::string& name) {
    return std::ranges::any_of(contents.desired, [&](const DesiredRow& row) {
        return row.key.name == name;
    });
}

using Body = std::function<Task<>(StateKeeper&)>;

void run_keeper(const test::TempDir& dir, std::atomic<bool>& has_room, const Body& body) {
    run_task([&]() -> Task<> {
        auto keeper = StateKeeper::open(
            co_await this_executor, std::make_unique<Disk>(dir.path(), has_room), {},
            {.recovery_first = 5ms, .recovery_last = 20ms}
        );
        REQUIRE(keeper.has_value());
        co_await body(**keeper);
        co_await (*keeper)->stop();
    });
}

Task<> wait_until(std::function<bool()> condition) {
    Event pause(co_await this_executor);
    for (int i = 0; i < 3000 && !condition(); ++i) {
        co_await pause.wait_for(10ms);
    }
    CHECK(condition());
}

StoreBatch upsert(const std::string& name) {
    StoreBatch batch;
    batch.upserts.push_back(desired_row(name, "u-" + name));
    return batch;
}

}  // namespace

TEST_CASE("store_faults: whatever fails once, nothing confirmed is lost", "[store_faults]") {
    const DiskFault fault =
        GENERATE(DiskFault::write_error, DiskFault::sync_error, DiskFault::read_error);
    bool failed = true;
    std::uint64_t n = 1;
    for (; failed && n < 500; ++n) {
        INFO("operation " << n << " of kind " << static_cast<int>(fault));
        const test::TempDir dir;
        prepare(dir);
        std::atomic<bool> has_room = true;
        bool first = false;
        bool second = false;
        {
            FaultVfs disk(dir.path());
            disk.fail_at(fault, n, false);
            run_keeper(dir, has_room, [&](StateKeeper& keeper) -> Task<> {
                // A failed start is over with the fault, by itself.
                first = (co_await keeper.commit(upsert("c"))).has_value();
                co_await wait_until([&] { return keeper.health() == Health::sound; });
                second = (co_await keeper.commit(upsert("d"))).has_value();
                CHECK((second || disk.has_failed()));
                co_await wait_until([&] { return keeper.health() == Health::sound; });
            });
            failed = disk.has_failed();
        }
        const StoreContents contents = load(dir);
        CHECK(has(contents, "a"));
        CHECK(has(contents, "b"));
        CHECK((has(contents, "c") || !first));
        CHECK((has(contents, "d") || !second));
        CHECK(contents.memory.size() == 1);
        CHECK(contents.reports.size() == 1);
        CHECK(contents.meta.store_uuid == "machine");
    }
    CHECK(n > 5);
    CHECK_FALSE(failed);
}

TEST_CASE("store_faults: a disk that fails for good is left, and taken again", "[store_faults]") {
    const DiskFault fault = GENERATE(DiskFault::write_error, DiskFault::sync_error);
    const std::uint64_t n = GENERATE(as<std::uint64_t>{}, 1, 2, 5, 12);
    INFO("operation " << n << " of kind " << static_cast<int>(fault));
    const test::TempDir dir;
    prepare(dir);
    std::atomic<bool> has_room = true;
    {
        FaultVfs disk(dir.path());
        disk.fail_at(fault, n, true);
        run_keeper(dir, has_room, [&](StateKeeper& keeper) -> Task<> {
            // What could be read is served.
            CHECK(keeper.desired().find(ObjectKey{"Pod", "default", "a"}) != nullptr);
            CHECK(keeper.memory().contains("u1"));
            CHECK(keeper.meta().store_uuid == "machine");
            for (int i = 0; i < 20 && keeper.health() == Health::sound; ++i) {
                static_cast<void>(co_await keeper.commit(upsert("c")));
            }
            CHECK(keeper.health() == Health::failing);
            CHECK(keeper.trouble().contains("pods go on without it"));
            const Result<void> refused = co_await keeper.commit(upsert("d"));
            CHECK_FALSE(refused.has_value());
            disk.heal();
            co_await wait_until([&] { return keeper.health() == Health::sound; });
            CHECK(keeper.trouble().empty());
            const Result<void> committed = co_await keeper.commit(upsert("e"));
            CHECK(committed.has_value());
        });
    }
    const StoreContents contents = load(dir);
    CHECK(has(contents, "a"));
    CHECK(has(contents, "e"));
    CHECK_FALSE(has(contents, "d"));
}

TEST_CASE("store_faults: a start that cannot write claims no generation", "[store_faults]") {
    const test::TempDir dir;
    prepare(dir);
    {
        FaultVfs disk(dir.path());
        disk.fail_at(DiskFault::write_error, 1, true);
        const StoreContents contents = load(dir);
        CHECK(contents.desired.size() == 2);
        CHECK_FALSE(contents.report.not_writable.empty());
        CHECK(contents.meta.generation == 0);
    }
    CHECK(load(dir).meta.generation == 2);
}

TEST_CASE("store_faults: a full disk stops growth and nothing else", "[store_faults]") {
    const test::TempDir dir;
    prepare(dir);
    std::atomic<bool> has_room = false;
    FaultVfs disk(dir.path());
    run_keeper(dir, has_room, [&](StateKeeper& keeper) -> Task<> {
        disk.leave_room(std::size_t{256} << 10U);
        std::size_t stored = 0;
        Result<void> outcome;
        while (outcome && stored < 1000) {
            StoreBatch batch;
            const std::string name = "p" + std::to_string(stored);
            batch.upserts.push_back(desired_row(name, "u", "[" + std::string(20'000, '1') + "]"));
            outcome = co_await keeper.commit(std::move(batch));
            stored += outcome ? 1U : 0U;
        }
        CHECK(outcome.error().code() == ErrorCode::resource_exhausted);
        CHECK(keeper.health() == Health::full);
        CHECK(keeper.trouble().contains("disk is full"));
        disk.leave_room(std::size_t{256} << 10U);  // The reserve.

        // Reports are held, the newest of each key; what is remembered with them is on the disk.
        for (const char* text : {"first", "second"}) {
            StoreBatch batch;
            batch.memory = {MemoryRow{"u2", text}};
            batch.reports.push_back(keeper.outbox().put("PodStatus/default/b", "u2", text).value());
            outcome = co_await keeper.commit(std::move(batch));
            CHECK(outcome.has_value());
        }
        CHECK(keeper.reports_held() == 1);
        CHECK(keeper.outbox().size() == 1);
        CHECK(keeper.memory().at("u2") == "second");

        // Deletions and acknowledgements go to the disk.
        StoreBatch shrinks;
        shrinks.removals = {ObjectKey{"Pod", "default", "p0"}};
        shrinks.acknowledged = {1};
        outcome = co_await keeper.commit(std::move(shrinks));
        CHECK(outcome.has_value());
        CHECK(keeper.desired().find(ObjectKey{"Pod", "default", "p0"}) == nullptr);
        CHECK(keeper.outbox().find("PodStatus/default/a") == nullptr);
        outcome = co_await keeper.commit(upsert("c"));
        CHECK(outcome.error().code() == ErrorCode::resource_exhausted);

        // Room again.
        disk.heal();
        has_room = true;
        co_await wait_until([&] { return keeper.health() == Health::sound; });
        co_await wait_until([&] { return keeper.reports_held() == 0; });
        CHECK(keeper.outbox().find("PodStatus/default/b")->body == "second");
        outcome = co_await keeper.commit(upsert("c"));
        CHECK(outcome.has_value());
    });
    const StoreContents contents = load(dir);
    CHECK(has(contents, "c"));
    CHECK_FALSE(has(contents, "p0"));
    CHECK(contents.reports.size() == 1);
    CHECK(contents.memory.size() == 2);
    CHECK(contents.report.clean());
}

TEST_CASE("store_faults: damage met while running is healed from memory", "[store_faults]") {
    const test::TempDir dir;
    prepare(dir);
    std::atomic<bool> has_room = true;
    run_keeper(dir, has_room, [&](StateKeeper& keeper) -> Task<> {
        // Every page of the database but the first becomes noise.
        const std::string path = dir.file("state.db");
        const auto size = std::filesystem::file_size(path);
        std::FILE* file = std::fopen(path.c_str(), "r+b");
        REQUIRE(file != nullptr);
        std::fseek(file, 4096, SEEK_SET);
        const std::string noise(static_cast<std::size_t>(size) - 4096, 'x');
        std::fwrite(noise.data(), 1, noise.size(), file);
        std::fclose(file);
        // Until SQLite has to read one of them.
        for (int i = 0; i < 200; ++i) {
            StoreBatch batch = upsert("p" + std::to_string(i));
            batch.memory.push_back(MemoryRow{"m" + std::to_string(i), std::string(3000, 'm')});
            const Result<void> committed = co_await keeper.commit(std::move(batch));
            CHECK(committed.has_value());
        }
        CHECK(keeper.health() == Health::sound);
    });
    const StoreContents contents = load(dir);
    CHECK(has(contents, "a"));
    CHECK(has(contents, "p199"));
    CHECK(contents.desired.size() == 202);
}

TEST_CASE("store_faults: a log that is gone is noticed", "[store_faults]") {
    const bool with_log = GENERATE(true, false);
    const test::TempDir dir;
    const test::TempDir copy;
    prepare(dir);
    {
        SqliteEdgeStore store(dir.path(), "boot", "machine");
        REQUIRE(store.load());
        StoreBatch batch = upsert("c");
        REQUIRE(store.commit(std::span(&batch, 1)));
        // As a kill would leave it.
        for (const char* name : {"state.db", "state.db-wal", "store_uuid"}) {
            std::filesystem::copy_file(dir.file(name), copy.file(name));
        }
    }
    if (!with_log) {
        std::filesystem::remove(copy.file("state.db-wal"));
    }
    const StoreContents contents = load(copy);
    CHECK(has(contents, "a"));
    CHECK(has(contents, "c") == with_log);
    CHECK(contents.report.went_back != with_log);
    CHECK(contents.meta.complete == with_log);
    CHECK(contents.meta.generation == 3);
    CHECK(load(copy).report.clean());
}
