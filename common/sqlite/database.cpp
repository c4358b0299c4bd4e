// SPDX-License-Identifier: Apache-2.0
#include "common/sqlite/database.hpp"

#include "common/base/ensure.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <climits>
#include <utility>

namespace farhold::sqlite {
namespace {

constexpr int kRowBytesMax = 16 << 20;
constexpr int kSqlBytesMax = 64 << 10;

ErrorCode code_of(int sqlite_code) {
    switch (sqlite_code & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return ErrorCode::corrupt;
        case SQLITE_FULL:
        case SQLITE_TOOBIG:
            return ErrorCode::resource_exhausted;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return ErrorCode::unavailable;
        case SQLITE_CONSTRAINT:
            return ErrorCode::conflict;
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_AUTH:
            return ErrorCode::permission_denied;
        default:
            return ErrorCode::internal;
    }
}

Error error_of(int code, const char* detail, const std::string& path, std::string_view doing) {
    return {code_of(code), fmt::format("{}: {}: {}", path, doing, detail)};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

void Statement::note(int code) {
    if (code != SQLITE_OK && bind_error_ == SQLITE_OK) {
        bind_error_ = code;
    }
}

Statement& Statement::bind(int parameter, std::int64_t value) {
    note(sqlite3_bind_int64(statement_.get(), parameter, value));
    return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
    note(sqlite3_bind_text64(
        statement_.get(), parameter, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8
    ));
    return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
    // A null pointer would bind NULL where an empty blob was meant.
    const char* data = bytes.empty() ? "" : bytes.data();
    note(sqlite3_bind_blob64(statement_.get(), parameter, data, bytes.size(), SQLITE_TRANSIENT));
    return *this;
}

Statement& Statement::bind_null(int parameter) {
    note(sqlite3_bind_null(statement_.get(), parameter));
    return *this;
}

Result<bool> Statement::step() {
    const int code = bind_error_ != SQLITE_OK ? bind_error_ : sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE) {
        reset();
        return false;
    }
    // The text must be taken before the reset, which may replace it.
    const char* detail = bind_error_ != SQLITE_OK
                             ? sqlite3_errstr(code)
                             : sqlite3_errmsg(sqlite3_db_handle(statement_.get()));
    Error error = error_of(code, detail, *path_, sqlite3_sql(statement_.get()));
    reset();
    return fail(std::move(error));
}

Result<void> Statement::run() {
    while (true) {
        const Result<bool> row = step();
        if (!row) {
            return fail(row.error());
        }
        if (!*row) {
            return {};
        }
    }
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
    bind_error_ = SQLITE_OK;
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    if (text == nullptr) {
        return {};
    }
    return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::blob(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    if (bytes == nullptr) {
        return {};
    }
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* connection) const {
    // Statements must be gone by now; the last close also checkpoints the WAL.
    ensure(sqlite3_close(connection) == SQLITE_OK, "database closed before its statements");
}

Database::~Database() = default;

Result<Database> Database::open(const std::string& path) {
    // SQLite would create it readable for all; -wal takes over the mode of the file.
    const int file =
        path == ":memory:" ? -1 : ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0600);
    if (file >= 0) {
        ::close(file);
    }
    sqlite3* connection = nullptr;
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
    Database database(connection, std::make_shared<const std::string>(path));
    if (code != SQLITE_OK) {
        return fail(database.error("open"));
    }
    const Result<void> configured = database.configure();
    if (!configured) {
        return fail(configured.error());
    }
    return database;
}

Result<void> Database::configure() {
    sqlite3* connection = connection_.get();
    // Neither SQL nor a prepared file may damage the schema or run code.
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
    sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, kRowBytesMax);
    sqlite3_limit(connection, SQLITE_LIMIT_SQL_LENGTH, kSqlBytesMax);
    // Exclusive locking: no second connection, and no shared memory file to get out of step. It comes
    // first, as all that follows reads the database.
    // auto_vacuum counts only before the first table, and must come before WAL.
    return execute(
        "PRAGMA locking_mode=EXCLUSIVE;"
        "PRAGMA auto_vacuum=INCREMENTAL;"
        "PRAGMA journal_mode=WAL;"
        "PRAGMA synchronous=FULL;"
        "PRAGMA foreign_keys=ON;"
        "PRAGMA cell_size_check=ON;"
        "PRAGMA secure_delete=ON;"
        "PRAGMA mmap_size=0;"
        "PRAGMA journal_size_limit=16777216;"
    );
}

Error Database::error(std::string_view doing) const {
    return error_of(
        sqlite3_extended_errcode(connection_.get()), sqlite3_errmsg(connection_.get()), *path_,
        doing
    );
}

Result<void> Database::execute(const std::string& sql) {
    const int code = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return fail(error(sql));
    }
    return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
    ensure(sql.size() <= INT_MAX, "SQL text too long");
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(
        connection_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
        &statement, nullptr
    );
    if (code != SQLITE_OK) {
        return fail(error(sql));
    }
    return Statement(statement, path_);
}

std::int64_t Database::changes() const {
    return sqlite3_changes64(connection_.get());
}

Result<void> Database::migrate(std::span<const std::string_view> steps) {
    std::int64_t version = 0;
    {
        Result<Statement> query = prepare("PRAGMA user_version");
        if (!query) {
            return fail(query.error());
        }
        const Result<bool> row = query->step();
        if (!row) {
            return fail(row.error());
        }
        version = query->integer(0);
    }
    const auto known = static_cast<std::int64_t>(steps.size());
    if (version < 0 || version > known) {
        return fail(
            ErrorCode::unsupported,
            fmt::format(
                "{}: schema version {} is newer than this program's {}", *path_, version, known
            )
        );
    }
    for (; version < known; ++version) {
        Result<Transaction> transaction = Transaction::begin(*this);
        if (!transaction) {
            return fail(transaction.error());
        }
        const std::string_view step = steps[static_cast<std::size_t>(version)];
        const std::string sql = fmt::format("{};PRAGMA user_version={};", step, version + 1);
        if (const Result<void> done = execute(sql); !done) {
            return done;
        }
        if (const Result<void> done = transaction->commit(); !done) {
            return done;
        }
    }
    return {};
}

Result<void> Database::checkpoint() {
    return execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

Result<void> Database::check_integrity() {
    Result<Statement> query = prepare("PRAGMA integrity_check(1)");
    if (!query) {
        return fail(query.error());
    }
    const Result<bool> row = query->step();
    if (!row) {
        return fail(row.error());
    }
    if (query->text(0) != "ok") {
        return fail(
            ErrorCode::corrupt, fmt::format("{}: integrity check: {}", *path_, query->text(0))
        );
    }
    return {};
}

Result<void> Database::release_pages(int pages_max) {
    return execute(fmt::format("PRAGMA incremental_vacuum({})", pages_max));
}

Result<Transaction> Transaction::begin(Database& database) {
    if (const Result<void> begun = database.execute("BEGIN IMMEDIATE"); !begun) {
        return fail(begun.error());
    }
    return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
    if (database_ != nullptr) {
        // Fails only when SQLite has already rolled back by itself (disk full, I/O error).
        static_cast<void>(database_->execute("ROLLBACK"));
    }
}

Result<void> Transaction::commit() {
    ensure(database_ != nullptr, "commit of an ended transaction");
    const Result<void> committed = database_->execute("COMMIT");
    if (committed) {
        database_ = nullptr;
    }
    return committed;
}

}  // namespace farhold::sqlite
