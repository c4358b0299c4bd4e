// SPDX-License-Identifier: Apache-2.0
#include "common/kubestore/revision_log.hpp"

#include "common/base/ensure.hpp"
#include "common/base/random.hpp"
#include "common/base/sha256.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <unordered_map>
#include <utility>
#include <vector>

namespace farhold::kubestore {
namespace {

constexpr std::array<std::string_view, 1> kSchema = {
    "CREATE TABLE log (revision INTEGER PRIMARY KEY, key TEXT NOT NULL, previous INTEGER NOT NULL,"
    " removed INTEGER NOT NULL, checksum BLOB NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE INDEX log_by_key ON log (key, revision);"
    "CREATE TABLE current (key TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES ('compacted', '0')"
};

constexpr Revision kFirstRevision = 1;
constexpr int kReleasePages = 64;

std::string checksum_of(const Event& event) {
    const std::string number = fmt::format("{}{}", event.revision, event.removed ? "-" : "+");
    return sha256_of({event.key, number, *event.body}).substr(0, 8);
}

// The first key that is greater than all with this prefix. Keys are paths in ASCII.
std::string end_of(std::string prefix) {
    ensure(!prefix.empty() && prefix.back() != '\x7f', "key prefix");
    ++prefix.back();
    return prefix;
}

}  // namespace

Result<RevisionLog::Statements> RevisionLog::prepare(sqlite::Database& database) {
    static constexpr std::array<std::string_view, 9> kSql = {
        "SELECT l.key, l.revision, l.checksum, l.body FROM current c JOIN log l"
        " ON l.revision = c.revision WHERE c.key = ?1",
        "SELECT l.key, l.revision, l.checksum, l.body FROM current c JOIN log l"
        " ON l.revision = c.revision WHERE c.key >= ?1 AND c.key < ?2 ORDER BY c.key LIMIT ?3",
        // The bare columns are those of the row with the greatest revision.
        "SELECT key, max(revision), checksum, body, removed FROM log"
        " WHERE key >= ?1 AND key < ?2 AND revision <= ?4"
        " GROUP BY key HAVING removed = 0 ORDER BY key LIMIT ?3",
        "SELECT count(*) FROM current WHERE key >= ?1 AND key < ?2",
        "SELECT key, revision, checksum, body, removed, previous FROM log WHERE revision = ?1",
        "INSERT INTO log (revision, key, previous, removed, checksum, body)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        "INSERT OR IGNORE INTO current (key, revision) VALUES (?1, ?2)",
        "UPDATE current SET revision = ?2 WHERE key = ?1 AND revision = ?3",
        "DELETE FROM current WHERE key = ?1 AND revision = ?2",
    };
    std::vector<sqlite::Statement> prepared;
    for (const std::string_view sql : kSql) {
        Result<sqlite::Statement> statement = database.prepare(sql);
        if (!statement) {
            return fail(statement.error());
        }
        prepared.push_back(std::move(*statement));
    }
    return Statements{
        .get = std::move(prepared[0]),
        .list = std::move(prepared[1]),
        .list_at = std::move(prepared[2]),
        .count = std::move(prepared[3]),
        .row = std::move(prepared[4]),
        .append = std::move(prepared[5]),
        .create = std::move(prepared[6]),
        .replace = std::move(prepared[7]),
        .remove = std::move(prepared[8]),
    };
}

Result<RevisionLog> RevisionLog::open(const std::string& path) {
    Result<sqlite::Database> database = sqlite::Database::open(path);
    if (!database) {
        return fail(database.error());
    }
    if (const Result<void> migrated = database->migrate(kSchema); !migrated) {
        return fail(migrated.error());
    }
    Result<Statements> statements = prepare(*database);
    if (!statements) {
        return fail(statements.error());
    }
    RevisionLog log(std::move(*database), std::move(*statements));
    if (const Result<void> loaded = log.load(); !loaded) {
        return fail(loaded.error());
    }
    return log;
}

Result<void> RevisionLog::load() {
    const Result<std::string> uuid = meta("store_uuid");
    const Result<std::string> compacted = meta("compacted");
    if (!uuid || !compacted) {
        return fail(uuid ? compacted.error() : uuid.error());
    }
    compacted_ = std::strtoll(compacted->c_str(), nullptr, 10);
    Result<sqlite::Statement> query = database_.prepare("SELECT max(revision) FROM log");
    if (!query) {
        return fail(query.error());
    }
    const Result<bool> row = query->step();
    if (!row) {
        return fail(row.error());
    }
    newest_ = std::max(kFirstRevision, query->integer(0));
    query->reset();
    uuid_ = *uuid;
    if (!uuid_.empty()) {
        return {};
    }
    uuid_ = Random::from_system().uuid();
    return set_meta("store_uuid", uuid_);
}

Result<std::string> RevisionLog::meta(std::string_view name) {
    Result<sqlite::Statement> query = database_.prepare("SELECT value FROM meta WHERE name = ?1");
    if (!query) {
        return fail(query.error());
    }
    const Result<bool> row = query->bind(1, name).step();
    if (!row) {
        return fail(row.error());
    }
    return *row ? std::string(query->text(0)) : std::string();
}

Result<void> RevisionLog::set_meta(std::string_view name, std::string_view value) {
    Result<sqlite::Statement> statement =
        database_.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)");
    if (!statement) {
        return fail(statement.error());
    }
    return statement->bind(1, name).bind(2, value).run();
}

Result<Record> RevisionLog::read(sqlite::Statement& row, bool removed) const {
    const Event event{
        row.integer(1), std::string(row.text(0)), removed,
        std::make_shared<const std::string>(row.blob(3)), nullptr
    };
    if (row.blob(2) != checksum_of(event)) {
        return fail(
            ErrorCode::corrupt,
            fmt::format(
                "{}: revision {} of {} is damaged", database_.path(), event.revision, event.key
            )
        );
    }
    return Record{event.key, event.revision, event.body};
}

Result<std::optional<Record>> RevisionLog::get(const std::string& key) {
    sqlite::Statement& query = statements_.get;
    const Result<bool> row = query.bind(1, key).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return std::optional<Record>();
    }
    Result<Record> record = read(query, false);
    query.reset();
    if (!record) {
        return fail(record.error());
    }
    return std::optional<Record>(std::move(*record));
}

Result<ListPage> RevisionLog::list(const ListQuery& query) {
    const bool current = query.at_revision == 0;
    sqlite::Statement& rows = current ? statements_.list : statements_.list_at;
    rows.bind(1, std::max(query.prefix, query.start)).bind(2, end_of(query.prefix));
    // One more than wanted tells whether there is more; -1 is no limit.
    rows.bind(3, query.limit == 0 ? -1 : static_cast<std::int64_t>(query.limit) + 1);
    if (!current) {
        rows.bind(4, query.at_revision);
    }
    ListPage page;
    while (true) {
        const Result<bool> row = rows.step();
        if (!row) {
            return fail(row.error());
        }
        if (!*row) {
            return page;
        }
        if (query.limit != 0 && page.records.size() == query.limit) {
            page.more = true;
            rows.reset();
            return page;
        }
        Result<Record> record = read(rows, false);
        if (!record) {
            rows.reset();
            return fail(record.error());
        }
        page.records.push_back(std::move(*record));
    }
}

Result<std::int64_t> RevisionLog::count(const std::string& prefix, const std::string& start) {
    sqlite::Statement& query = statements_.count;
    const Result<bool> row = query.bind(1, std::max(prefix, start)).bind(2, end_of(prefix)).step();
    if (!row) {
        return fail(row.error());
    }
    const std::int64_t count = query.integer(0);
    query.reset();
    return count;
}

Result<Event> RevisionLog::row_at(Revision revision, Revision& previous) {
    sqlite::Statement& row = statements_.row;
    const Result<bool> found = row.bind(1, revision).step();
    if (!found) {
        return fail(found.error());
    }
    if (!*found) {
        return fail(
            ErrorCode::corrupt,
            fmt::format("{}: revision {} is missing", database_.path(), revision)
        );
    }
    const bool removed = row.integer(4) != 0;
    previous = row.integer(5);
    Result<Record> record = read(row, removed);
    row.reset();
    if (!record) {
        return fail(record.error());
    }
    return Event{revision, std::move(record->key), removed, std::move(record->body), nullptr};
}

Result<void> RevisionLog::replay(Revision after, const std::function<void(Event)>& take) {
    // Most changes replace one of the changes before, whose body is then shared.
    std::unordered_map<Revision, Body> bodies;
    for (Revision at = after + 1; at <= newest_; ++at) {
        Revision previous = 0;
        Result<Event> event = row_at(at, previous);
        if (!event) {
            return fail(event.error());
        }
        if (const auto known = bodies.find(previous); known != bodies.end()) {
            event->previous = known->second;
        } else if (previous != 0) {
            Revision unused = 0;
            Result<Event> replaced = row_at(previous, unused);
            if (!replaced) {
                return fail(replaced.error());
            }
            event->previous = std::move(replaced->body);
        }
        bodies[at] = event->body;
        take(std::move(*event));
    }
    return {};
}

Result<void> RevisionLog::append(const Event& event, Revision previous) {
    // First, since it is what finds a conflict, and then nothing has been written.
    if (const Result<void> moved = move_current(event, previous); !moved) {
        return moved;
    }
    const std::string checksum = checksum_of(event);
    return statements_.append.bind(1, event.revision)
        .bind(2, event.key)
        .bind(3, previous)
        .bind(4, event.removed ? 1 : 0)
        .bind_blob(5, checksum)
        .bind_blob(6, *event.body)
        .run();
}

Result<void> RevisionLog::move_current(const Event& event, Revision previous) {
    Result<void> moved;
    if (event.removed) {
        moved = statements_.remove.bind(1, event.key).bind(2, previous).run();
    } else if (previous == 0) {
        moved = statements_.create.bind(1, event.key).bind(2, event.revision).run();
    } else {
        sqlite::Statement& replace = statements_.replace;
        moved = replace.bind(1, event.key).bind(2, event.revision).bind(3, previous).run();
    }
    if (moved && database_.changes() != 1) {
        return fail(ErrorCode::conflict, fmt::format("{} has been changed meanwhile", event.key));
    }
    return moved;
}

Result<void> RevisionLog::compact(Revision target) {
    Result<sqlite::Transaction> step = sqlite::Transaction::begin(database_);
    if (!step) {
        return fail(step.error());
    }
    static constexpr std::array<std::string_view, 2> kDeletes = {
        "DELETE FROM log WHERE revision IN (SELECT previous FROM log"
        " WHERE revision > ?1 AND revision <= ?2 AND previous != 0)",
        "DELETE FROM log WHERE revision > ?1 AND revision <= ?2 AND removed = 1",
    };
    for (const std::string_view sql : kDeletes) {
        Result<sqlite::Statement> statement = database_.prepare(sql);
        if (!statement) {
            return fail(statement.error());
        }
        const Result<void> done = statement->bind(1, compacted_).bind(2, target).run();
        if (!done) {
            return done;
        }
    }
    if (const Result<void> done = set_meta("compacted", fmt::format("{}", target)); !done) {
        return done;
    }
    if (const Result<void> done = step->commit(); !done) {
        return done;
    }
    compacted_ = target;
    return database_.release_pages(kReleasePages);
}

}  // namespace farhold::kubestore
