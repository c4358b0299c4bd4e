// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/sqlite_edge_store.hpp"

#include "common/sqlite/database.hpp"
#include "store_rows.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace farhold;
using namespace farhold::store;
using object::ObjectKey;
using test::desired_row;
using test::report_row;

namespace {

struct Opened {
    std::unique_ptr<SqliteEdgeStore> store;
    StoreContents contents;
};

Opened open(const test::TempDir& dir, const std::string& new_uuid = "machine") {
    auto store = std::make_unique<SqliteEdgeStore>(dir.path(), "boot", new_uuid);
    auto contents = store->load();
    REQUIRE(contents.has_value());
    return {std::move(store), std::move(*contents)};
}

void commit(SqliteEdgeStore& store, const StoreBatch& batch) {
    REQUIRE(store.commit(std::span(&batch, 1)).has_value());
}

StoreBatch some_state() {
    StoreBatch batch;
    batch.upserts = {desired_row("a", "u1", R"({"x":1})"), desired_row("b", "u2", "[]")};
    batch.reports = {report_row(3, "PodStatus/default/a"), report_row(4, "PodStatus/default/b")};
    batch.memory = {MemoryRow{"u1", "one"}, MemoryRow{"u2", "two"}};
    batch.trusted_time = WallTime(std::chrono::seconds(1'700'000'000));
    batch.complete = true;
    return batch;
}

void execute(const test::TempDir& dir, const std::string& sql) {
    auto database = sqlite::Database::open(dir.file("state.db"));
    REQUIRE(database.has_value());
    REQUIRE(database->execute(sql).has_value());
}

std::string read_all(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("edge_store: a new store is empty and knows that it is not complete", "[store]") {
    const test::TempDir dir;
    const auto [store, contents] = open(dir);
    CHECK(contents.desired.empty());
    CHECK(contents.report.clean());
    CHECK(contents.meta.store_uuid == "machine");
    CHECK(contents.meta.generation == 1);
    CHECK(contents.meta.boot_id == "boot");
    CHECK_FALSE(contents.meta.complete);
}

TEST_CASE("edge_store: everything committed is there after a restart", "[store]") {
    const test::TempDir dir;
    commit(*open(dir).store, some_state());
    const auto [store, contents] = open(dir, "another name");
    REQUIRE(contents.desired.size() == 2);
    CHECK(contents.desired[0].key == ObjectKey{"Pod", "default", "a"});
    CHECK(contents.desired[0].hash == desired_row("a", "u1", R"({"x":1})").hash);
    CHECK(*contents.desired[0].content == R"({"x":1})");
    CHECK(contents.desired[0].resource_version == "5");
    REQUIRE(contents.reports.size() == 2);
    CHECK(contents.reports[1].key == "PodStatus/default/b");
    CHECK(contents.memory.size() == 2);
    CHECK(contents.meta.store_uuid == "machine");
    CHECK(contents.meta.generation == 2);
    CHECK(contents.meta.seq_high == 4);
    CHECK(contents.meta.trusted_time == WallTime(std::chrono::seconds(1'700'000'000)));
    CHECK(contents.meta.complete);
    CHECK(contents.report.clean());
}

TEST_CASE("edge_store: changes replace and remove rows, in the order of the batches", "[store]") {
    const test::TempDir dir;
    {
        const auto opened = open(dir);
        commit(*opened.store, some_state());
        StoreBatch first;
        first.removals = {ObjectKey{"Pod", "default", "a"}};
        first.reports = {report_row(5, "PodStatus/default/a", "newer")};
        first.acknowledged = {4, 99};
        first.forgotten = {"u1"};
        StoreBatch second;
        second.upserts = {desired_row("a", "u9")};
        second.memory = {MemoryRow{"u2", "three"}};
        const std::vector<StoreBatch> group{first, second};
        REQUIRE(opened.store->commit(group).has_value());
    }
    const auto [store, contents] = open(dir);
    REQUIRE(contents.desired.size() == 2);
    CHECK(contents.desired[0].key.name == "a");
    CHECK(contents.desired[0].uid == "u9");
    REQUIRE(contents.reports.size() == 1);
    CHECK(contents.reports[0].seq == 5);
    CHECK(contents.reports[0].body == "newer");
    REQUIRE(contents.memory.size() == 1);
    CHECK(contents.memory[0].text == "three");
}

TEST_CASE("edge_store: a newer program's database is kept and a new one begun", "[store]") {
    const test::TempDir dir;
    commit(*open(dir).store, some_state());
    execute(dir, "PRAGMA user_version = 99");
    {
        const auto [store, contents] = open(dir);
        CHECK(contents.desired.empty());
        CHECK_FALSE(contents.meta.complete);
        CHECK(contents.meta.store_uuid == "machine");
        CHECK_FALSE(contents.report.replaced_database.empty());
        CHECK(std::filesystem::exists(contents.report.replaced_database));
        commit(*store, some_state());
    }
    CHECK(open(dir).contents.report.clean());
}

TEST_CASE("edge_store: an acknowledged report leaves its number behind", "[store]") {
    const test::TempDir dir;
    {
        const auto opened = open(dir);
        commit(*opened.store, some_state());
        StoreBatch acknowledged;
        acknowledged.acknowledged = {3, 4};
        commit(*opened.store, acknowledged);
    }
    CHECK(open(dir).contents.meta.seq_high == 4);
}

TEST_CASE("edge_store: a damaged row is set aside and the rest is carried over", "[store]") {
    const test::TempDir dir;
    commit(*open(dir).store, some_state());
    execute(dir, "UPDATE desired SET content = '{\"x\":2}' WHERE uid = 'u1'");
    execute(dir, "UPDATE outbox SET body = 'y' WHERE seq = 3");
    execute(dir, "UPDATE memory SET text = 'z' WHERE pod_uid = 'u2'");
    {
        const auto [store, contents] = open(dir);
        CHECK(contents.report.damaged_desired == 1);
        CHECK(contents.report.damaged_reports == 1);
        CHECK(contents.report.damaged_memory == 1);
        CHECK(contents.desired.size() == 1);
        CHECK(contents.reports.size() == 1);
        CHECK(contents.memory.size() == 1);
        // A row may be missing now: its absence must not stop a pod.
        CHECK_FALSE(contents.meta.complete);
        CHECK(std::filesystem::exists(contents.report.replaced_database));
    }
    const auto [store, contents] = open(dir);
    CHECK(contents.report.clean());
    CHECK_FALSE(contents.meta.complete);
    CHECK(contents.desired.size() == 1);
    CHECK(contents.meta.generation == 3);
    StoreBatch whole;
    whole.complete = true;
    commit(*store, whole);
}

TEST_CASE("edge_store: a file that is no database is kept and replaced", "[store]") {
    const test::TempDir dir;
    commit(*open(dir).store, some_state());
    for (int round = 0; round < 7; ++round) {
        std::ofstream(dir.file("state.db"), std::ios::binary) << std::string(8192, 'x');
        const auto [store, contents] = open(dir, "other");
        CHECK(contents.desired.empty());
        CHECK_FALSE(contents.meta.complete);
        CHECK(contents.report.findings.size() == 1);
        CHECK(read_all(contents.report.replaced_database) == std::string(8192, 'x'));
        // Its containers are still labelled with the first name.
        CHECK(contents.meta.store_uuid == "machine");
    }
    // Kept, but not without end.
    CHECK_FALSE(std::filesystem::exists(dir.file("state.db.damaged-6")));
}

TEST_CASE("edge_store: a rescue that a power cut interrupted is finished", "[store]") {
    const test::TempDir dir;
    commit(*open(dir).store, some_state());
    std::filesystem::rename(dir.file("state.db"), dir.file("state.db.rescue"));
    std::ofstream(dir.file("state.db-wal"), std::ios::binary) << "of the damaged one";
    CHECK(open(dir).contents.desired.size() == 2);
    // An unfinished copy beside a database counts for nothing.
    std::ofstream(dir.file("state.db.rescue")) << "half";
    CHECK(open(dir).contents.desired.size() == 2);
    CHECK_FALSE(std::filesystem::exists(dir.file("state.db.rescue")));
}

TEST_CASE("edge_store: a damaged page never stops a start nor serves what is wrong", "[store]") {
    const test::TempDir dir;
    StoreBatch batch;
    for (int i = 0; i < 40; ++i) {
        const std::string n = std::to_string(i);
        batch.upserts.push_back(desired_row("p" + n, "u" + n, "[" + std::string(300, '1') + "]"));
        batch.reports.push_back(report_row(static_cast<std::uint64_t>(i + 1), "key" + n));
    }
    batch.complete = true;
    commit(*open(dir).store, batch);
    const std::string sound = read_all(dir.file("state.db"));
    REQUIRE(sound.size() > 8192);
    for (std::size_t at = 100; at < sound.size(); at += 1021) {
        std::string damaged = sound;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
        const test::TempDir other;
        std::ofstream(other.file("state.db"), std::ios::binary) << damaged;
        std::ofstream(other.file("store_uuid")) << "machine\n";
        const auto [store, contents] = open(other);
        const bool whole = contents.desired.size() == 40 && contents.reports.size() == 40;
        INFO("byte " << at);
        CHECK((whole || !contents.report.clean()));
        CHECK((contents.desired.size() == 40 || !contents.meta.complete));
        CHECK(contents.meta.store_uuid == "machine");
        for (const DesiredRow& row : contents.desired) {
            CHECK(row.content->size() == 302);
        }
    }
}

TEST_CASE("edge_store: a failed commit changes nothing, and a rewrite heals", "[store]") {
    const test::TempDir dir;
    commit(*open(dir).store, some_state());
    execute(dir, "CREATE TRIGGER no BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END");
    {
        const auto opened = open(dir);
        StoreBatch bad;
        bad.upserts = {desired_row("c", "u3")};
        bad.reports = {report_row(9, "x")};
        CHECK_FALSE(opened.store->commit(std::span(&bad, 1)).has_value());
        // Nothing is built upon what the disk may not have.
        CHECK_FALSE(opened.store->commit({}).has_value());
        REQUIRE(opened.store->rewrite(opened.contents, false).has_value());
        StoreBatch good;
        good.upserts = {desired_row("d", "u4")};
        commit(*opened.store, good);
    }
    CHECK(open(dir).contents.desired.size() == 3);
}
