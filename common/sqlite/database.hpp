// SPDX-License-Identifier: Apache-2.0
//
// SQLite as a durable floor: WAL with synchronous=FULL (a commit that returned is on the disk), a
// defensive schema, incremental auto_vacuum from creation, and errors that name the file and what
// was being done. One connection per file, used by one thread: SQLite below 3.51.3 has a WAL-reset
// bug that needs two connections. The only user of sqlite3.h.
#pragma once

#include "common/base/error.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace farhold::sqlite {

// A prepared statement; keep it and use it again. Parameters and columns count as SQLite counts
// them: parameters from 1, columns from 0. A failed bind is reported by the next step().
class Statement {
public:
    Statement(Statement&&) noexcept = default;
    Statement& operator=(Statement&&) noexcept = default;

    // Text and blobs are copied.
    Statement& bind(int parameter, std::int64_t value);
    Statement& bind(int parameter, std::string_view text);
    Statement& bind_blob(int parameter, std::string_view bytes);
    Statement& bind_null(int parameter);

    // True: a row is there. False: done; the statement is reset by then.
    Result<bool> step();

    // For statements that answer no rows: step to the end. The statement is reset in any case.
    Result<void> run();

    // Ends a half-read query and forgets the parameters.
    void reset();

    std::int64_t integer(int column) const;
    std::string_view text(int column) const;  // Valid until the next step() or reset().
    std::string_view blob(int column) const;  // Likewise.
    bool is_null(int column) const;

private:
    friend class Database;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    Statement(sqlite3_stmt* statement, std::shared_ptr<const std::string> path)
        : statement_(statement), path_(std::move(path)) {}

    void note(int code);

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    std::shared_ptr<const std::string> path_;  // For messages; shared with the database.
    int bind_error_ = 0;
};

// Must outlive its statements.
class Database {
public:
    // Opens or creates; ":memory:" for tests. ErrorCode::corrupt when the file is no database.
    static Result<Database> open(const std::string& path);

    Database(Database&&) noexcept = default;
    Database& operator=(Database&&) noexcept = default;
    ~Database();

    const std::string& path() const { return *path_; }

    // One or more statements without parameters whose rows nobody wants.
    Result<void> execute(const std::string& sql);
    Result<Statement> prepare(std::string_view sql);

    // Rows changed by the last insert, update or delete.
    std::int64_t changes() const;

    // Brings the schema up to date: steps[i] leads from version i to i + 1, each in a transaction
    // of its own together with user_version. A file from a newer program is refused (unsupported).
    Result<void> migrate(std::span<const std::string_view> steps);

    // Moves everything from the log into the database file and empties the log.
    Result<void> checkpoint();

    // ErrorCode::corrupt with SQLite's first finding. Reads the whole file.
    Result<void> check_integrity();

    // Gives up to that many free pages back to the file system.
    Result<void> release_pages(int pages_max);

private:
    struct Close {
        void operator()(sqlite3* connection) const;
    };
    Database(sqlite3* connection, std::shared_ptr<const std::string> path)
        : connection_(connection), path_(std::move(path)) {}

    Result<void> configure();
    Error error(std::string_view doing) const;

    std::unique_ptr<sqlite3, Close> connection_;
    std::shared_ptr<const std::string> path_;  // Shared with the statements.
};

// BEGIN IMMEDIATE ... COMMIT; rolled back by the destructor unless commit() succeeded.
class Transaction {
public:
    static Result<Transaction> begin(Database& database);
    Transaction(Transaction&& other) noexcept;
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();

    // When it fails nothing of the transaction is in the database, unless the error came from the
    // last sync and the machine stops right then: so whoever tries again must be idempotent.
    Result<void> commit();

private:
    explicit Transaction(Database& database) : database_(&database) {}

    Database* database_;  // Null once ended.
};

}  // namespace farhold::sqlite
