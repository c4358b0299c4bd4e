// SPDX-License-Identifier: Apache-2.0
#include "common/datadir/data_dir.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

namespace farhold::datadir {
namespace {

unsigned mode_of(const std::string& path) {
    struct stat file{};
    REQUIRE(::stat(path.c_str(), &file) == 0);
    return file.st_mode & 0777U;
}

}  // namespace

TEST_CASE("datadir: a folder is made private and holds our process id", "[datadir]") {
    const test::TempDir temp;
    const DataDir dir = DataDir::open(temp.file("a/b/")).value();
    CHECK(dir.path() == temp.file("a/b"));
    CHECK(mode_of(temp.file("a")) == 0700);
    CHECK(mode_of(dir.path()) == 0700);
    CHECK(read_file(dir.file("pid")).value() == std::to_string(::getpid()) + "\n");
}

TEST_CASE("datadir: a folder is held once and can be taken again afterwards", "[datadir]") {
    const test::TempDir temp;
    {
        DataDir first = DataDir::open(temp.path()).value();
        const DataDir moved = std::move(first);
        const Result<DataDir> second = DataDir::open(temp.path());
        REQUIRE_FALSE(second);
        CHECK(second.error().code() == ErrorCode::already_exists);
        CHECK(second.error().message().contains(temp.path()));
        CHECK(second.error().message().contains(std::to_string(::getpid())));
    }
    CHECK(read_file(temp.file("pid")).value().empty());
    CHECK(DataDir::open(temp.path()));
}

TEST_CASE("datadir: a file is replaced as a whole and keeps nothing of a crash", "[datadir]") {
    const test::TempDir temp;
    const std::string path = temp.file("key");
    REQUIRE(write_file(temp.file("key.new"), "left over", 0644));
    REQUIRE(write_file(path, "one"));
    REQUIRE(write_file(path, "two"));
    CHECK(read_file(path).value() == "two");
    CHECK(mode_of(path) == 0600);
    CHECK_FALSE(std::filesystem::exists(temp.file("key.new")));
}

TEST_CASE("datadir: reading tells a missing file from a large one", "[datadir]") {
    const test::TempDir temp;
    CHECK(read_file(temp.file("none")).error().code() == ErrorCode::not_found);
    REQUIRE(write_file(temp.file("large"), std::string(11, 'x')));
    CHECK(read_file(temp.file("large"), 10).error().code() == ErrorCode::resource_exhausted);
    CHECK(read_file(temp.file("large"), 11));
}

}  // namespace farhold::datadir
