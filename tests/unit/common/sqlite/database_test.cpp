// SPDX-License-Identifier: Apache-2.0
#include "common/sqlite/database.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>

#include <array>
#include <fstream>
#include <string>

namespace farhold::sqlite {
namespace {

std::string pragma(Database& database, const std::string& name) {
    Statement query = database.prepare("PRAGMA " + name).value();
    REQUIRE(query.step().value());
    return std::string(query.text(0));
}

constexpr std::array<std::string_view, 1> kOneStep = {
    "CREATE TABLE item (name TEXT PRIMARY KEY, size INTEGER, body BLOB) STRICT"
};

}  // namespace

TEST_CASE("sqlite: a new file has the durable and defensive settings and is private", "[sqlite]") {
    const test::TempDir dir;
    Database database = Database::open(dir.file("x.db")).value();
    REQUIRE(database.migrate(kOneStep));

    CHECK(pragma(database, "journal_mode") == "wal");
    CHECK(pragma(database, "synchronous") == "2");
    CHECK(pragma(database, "auto_vacuum") == "2");
    CHECK(pragma(database, "locking_mode") == "exclusive");
    CHECK(pragma(database, "trusted_schema") == "0");
    CHECK(pragma(database, "cell_size_check") == "1");
    CHECK_FALSE(database.execute("PRAGMA writable_schema=ON; DELETE FROM sqlite_schema"));

    struct stat file{};
    REQUIRE(::stat(dir.file("x.db").c_str(), &file) == 0);
    CHECK((file.st_mode & 0777U) == 0600);
    REQUIRE(::stat(dir.file("x.db-wal").c_str(), &file) == 0);
    CHECK((file.st_mode & 0777U) == 0600);
}

TEST_CASE("sqlite: values come back as they were bound", "[sqlite]") {
    Database database = Database::open(":memory:").value();
    REQUIRE(database.migrate(kOneStep));
    Statement insert = database.prepare("INSERT INTO item VALUES (?1, ?2, ?3)").value();
    const std::string bytes("a\0b", 3);
    REQUIRE(insert.bind(1, "one").bind(2, std::int64_t{1} << 60).bind_blob(3, bytes).run());
    REQUIRE(insert.bind(1, "two").bind_null(2).bind_blob(3, "").run());

    Statement query = database.prepare("SELECT size, body FROM item WHERE name = ?1").value();
    REQUIRE(query.bind(1, "one").step().value());
    CHECK(query.integer(0) == std::int64_t{1} << 60);
    CHECK(query.blob(1) == bytes);
    query.reset();
    REQUIRE(query.bind(1, "two").step().value());
    CHECK(query.is_null(0));
    CHECK_FALSE(query.is_null(1));
    query.reset();
    CHECK_FALSE(query.bind(1, "three").step().value());
}

TEST_CASE("sqlite: a transaction that is not committed leaves nothing", "[sqlite]") {
    Database database = Database::open(":memory:").value();
    REQUIRE(database.migrate(kOneStep));
    {
        Transaction transaction = Transaction::begin(database).value();
        REQUIRE(database.execute("INSERT INTO item VALUES ('a', 1, x'')"));
    }
    {
        Transaction transaction = Transaction::begin(database).value();
        REQUIRE(database.execute("INSERT INTO item VALUES ('b', 1, x'')"));
        REQUIRE(transaction.commit());
    }
    Statement query = database.prepare("SELECT group_concat(name) FROM item").value();
    REQUIRE(query.step().value());
    CHECK(query.text(0) == "b");
}

TEST_CASE("sqlite: errors name the file and the kind of trouble", "[sqlite]") {
    const test::TempDir dir;
    const std::string path = dir.file("x.db");
    SECTION("a file that is no database") {
        std::ofstream(path) << std::string(4096, 'x');
        const Result<Database> opened = Database::open(path);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code() == ErrorCode::corrupt);
        CHECK(opened.error().message().contains(path));
    }
    SECTION("a folder that does not exist") {
        const Result<Database> opened = Database::open(dir.file("none/x.db"));
        REQUIRE_FALSE(opened);
        CHECK(opened.error().message().contains("none/x.db"));
    }
    SECTION("a second connection") {
        Database first = Database::open(path).value();
        REQUIRE(first.migrate(kOneStep));
        const Result<Database> second = Database::open(path);
        REQUIRE_FALSE(second);
        CHECK(second.error().code() == ErrorCode::unavailable);
    }
    SECTION("a value that does not fit the table") {
        Database database = Database::open(path).value();
        REQUIRE(database.migrate(kOneStep));
        const Result<void> done = database.execute("INSERT INTO item VALUES ('a', 'text', x'')");
        REQUIRE_FALSE(done);
        CHECK(done.error().code() == ErrorCode::conflict);
    }
}

TEST_CASE("sqlite: migrations run once and a newer file is refused", "[sqlite]") {
    const test::TempDir dir;
    const std::array<std::string_view, 2> two_steps = {
        kOneStep[0], "ALTER TABLE item ADD COLUMN note TEXT"
    };
    {
        Database database = Database::open(dir.file("x.db")).value();
        REQUIRE(database.migrate(kOneStep));
        REQUIRE(database.execute("INSERT INTO item VALUES ('a', 1, x'')"));
    }
    {
        Database database = Database::open(dir.file("x.db")).value();
        REQUIRE(database.migrate(two_steps));
        REQUIRE(database.migrate(two_steps));
        REQUIRE(database.execute("UPDATE item SET note = 'kept'"));
        CHECK(database.changes() == 1);
        REQUIRE(database.check_integrity());
    }
    Database database = Database::open(dir.file("x.db")).value();
    const Result<void> migrated = database.migrate(kOneStep);
    REQUIRE_FALSE(migrated);
    CHECK(migrated.error().code() == ErrorCode::unsupported);
}

}  // namespace farhold::sqlite
