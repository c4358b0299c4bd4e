// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/log_files.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::nodeapi;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

std::string record(const std::string& text) {
    return "2026-11-23T18:45:51Z stdout F " + text + "\n";
}

void append(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::app | std::ios::binary) << bytes;
}

// To the end, for now.
std::string read_all(LogCursor& cursor, Instant now) {
    std::string all;
    while (true) {
        const auto bytes = cursor.read(10, now);
        REQUIRE(bytes);
        if (bytes->empty()) return all;
        all += *bytes;
    }
}

}  // namespace

TEST_CASE("log_files: rotated files come in their order, the written one last", "[nodeapi]") {
    const test::TempDir dir;
    for (const char* name : {"0.log", "0.log.10", "0.log.9", "1.log", "0.log.x", "0.log.0"}) {
        append(dir.file(name), name);
    }
    std::filesystem::create_symlink("0.log", dir.file("0.log.11"));
    const auto files = list_log_files(dir.path(), 0);
    REQUIRE(files.size() == 3);
    CHECK(files[0].number == 9);
    CHECK(files[1].number == 10);
    CHECK(files[2].path == dir.file("0.log"));
}

TEST_CASE("log_files: a reader follows a log through its rotations", "[nodeapi]") {
    const test::TempDir dir;
    const std::string written = dir.file("0.log");
    Instant now(1h);
    auto cursor = LogCursor::open(dir.path(), 0, std::nullopt);
    REQUIRE(cursor);
    CHECK(read_all(**cursor, now).empty());  // Nothing was written yet.
    append(written, record("a"));
    CHECK(read_all(**cursor, now) == record("a"));
    append(written, record("b"));
    std::filesystem::rename(written, dir.file("0.log.1"));
    CHECK(read_all(**cursor, now) == record("b"));
    append(dir.file("0.log.1"), record("c"));  // The runtime has not opened the new one yet.
    CHECK(read_all(**cursor, now) == record("c"));
    append(written, record("e"));
    append(dir.file("0.log.1"), record("d"));
    CHECK(read_all(**cursor, now) == record("d"));
    now += kRotationSettles;
    CHECK(read_all(**cursor, now) == record("e"));
    // Twice in one go.
    std::filesystem::rename(written, dir.file("0.log.2"));
    append(written, record("f"));
    std::filesystem::rename(written, dir.file("0.log.3"));
    append(written, record("g"));
    CHECK(read_all(**cursor, now).empty());
    now += kRotationSettles;
    CHECK(read_all(**cursor, now) == record("f") + record("g"));
}

TEST_CASE("log_files: a reader whose file was removed goes on with the oldest", "[nodeapi]") {
    const test::TempDir dir;
    append(dir.file("0.log.4"), record("old"));
    append(dir.file("0.log"), record("a"));
    auto cursor = LogCursor::open(dir.path(), 0, std::nullopt);
    REQUIRE(cursor);
    const auto first = (*cursor)->read(5, Instant(1h));
    REQUIRE(first);
    std::filesystem::remove(dir.file("0.log.4"));
    CHECK(*first + read_all(**cursor, Instant(1h)) == record("old") + record("a"));
}

TEST_CASE("log_files: the last lines may begin in a rotated file", "[nodeapi]") {
    const test::TempDir dir;
    append(dir.file("2.log.1"), record("a") + record("b"));
    append(dir.file("2.log"), record("c"));
    const std::string all[] = {
        "", record("c"), record("b") + record("c"), record("a") + record("b") + record("c")
    };
    for (std::uint64_t lines = 0; lines <= 3; ++lines) {
        auto cursor = LogCursor::open(dir.path(), 2, lines);
        REQUIRE(cursor);
        CHECK(read_all(**cursor, Instant(1h)) == all[lines]);
    }
}

TEST_CASE("log_files: a log that cannot be read is an error with its path", "[nodeapi]") {
    const test::TempDir dir;
    append(dir.file("0.log"), record("a"));
    auto cursor = LogCursor::open(dir.file("0.log"), 0, 1);
    REQUIRE(cursor);  // No folder: nothing yet.
    CHECK(read_all(**cursor, Instant(1h)).empty());
}
