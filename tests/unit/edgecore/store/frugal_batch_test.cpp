// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/frugal_batch.hpp"

#include "edgecore/store/space_reserve.hpp"
#include "store_rows.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>

#include <filesystem>

using namespace farhold;
using namespace farhold::store;
using object::ObjectKey;
using test::desired_row;
using test::report_row;

TEST_CASE("frugal_batch: what makes room and what pods must remember is essential", "[store]") {
    StoreBatch batch;
    batch.removals = {ObjectKey{"Pod", "default", "a"}};
    batch.acknowledged = {4};
    batch.memory = {MemoryRow{"u", "m"}};
    batch.forgotten = {"v"};
    batch.seq_high = 9;
    batch.complete = true;
    const FrugalBatch frugal = make_frugal(batch);
    CHECK_FALSE(frugal.refused);
    CHECK(frugal.held.empty());
    CHECK(frugal.essential.removals.size() == 1);
    CHECK(frugal.essential.acknowledged.size() == 1);
    CHECK(frugal.essential.memory.size() == 1);
    CHECK(frugal.essential.forgotten.size() == 1);
    CHECK(frugal.essential.seq_high == 9);
    CHECK(frugal.essential.complete);
}

TEST_CASE("frugal_batch: reports are held", "[store]") {
    StoreBatch batch;
    batch.reports = {report_row(3, "PodStatus/default/a")};
    const FrugalBatch held = make_frugal(batch);
    CHECK(held.held.size() == 1);
    CHECK(held.essential.empty());
}

TEST_CASE("frugal_batch: objects are refused, but for those on their way out", "[store]") {
    StoreBatch batch;
    batch.upserts = {
        desired_row("a", "u1"),
        desired_row("b", "u2", R"({"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"}})")
    };
    batch.complete = true;
    const FrugalBatch frugal = make_frugal(batch);
    CHECK(frugal.refused);
    REQUIRE(frugal.essential.upserts.size() == 1);
    CHECK(frugal.essential.upserts[0].uid == "u2");
    CHECK_FALSE(frugal.essential.complete);
}

TEST_CASE("space_reserve: holds blocks of the disk until it is released", "[store]") {
    const test::TempDir dir;
    const std::string path = dir.file("reserve");
    SpaceReserve reserve(path, 1 << 20);
    REQUIRE(reserve.fill());
    struct stat file{};
    REQUIRE(::stat(path.c_str(), &file) == 0);
    CHECK(file.st_blocks * 512 >= 1 << 20);
    REQUIRE(reserve.fill());
    reserve.release();
    CHECK_FALSE(std::filesystem::exists(path));
    SpaceReserve greedy(path, std::size_t{1} << 50U);
    CHECK(greedy.fill().error().code() == ErrorCode::resource_exhausted);
    CHECK_FALSE(std::filesystem::exists(path));
}
