// SPDX-License-Identifier: Apache-2.0
//
// The tables:
//   log      one row a revision: key, the revision it replaced (0: none), whether it removed the key,
//            the body, and a checksum over all of it, since SQLite's own integrity check finds
//            little of what a disk can do to a row.
//   current  key -> revision of the keys that exist.
//   meta     store_uuid; compacted: lists at an older revision are refused.
#include "common/kubestore/store.hpp"

#include "common/base/ensure.hpp"
#include "common/base/random.hpp"
#include "common/base/sha256.hpp"
#include "common/kubestore/event_ring.hpp"
#include "common/sqlite/database.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

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

// The revision of an empty store, so that no list ever answers 0, which means "any".
constexpr Revision kFirstRevision = 1;

constexpr Revision kCompactStep = 500;
constexpr int kReleasePages = 64;

std::string checksum_of(std::string_view key, Revision revision, bool removed, std::string_view body) {
    const std::string number = fmt::format("{}{}", revision, removed ? "-" : "+");
    return sha256_of({key, number, body}).substr(0, 8);
}

// The first key that is greater than all with this prefix. Keys are paths in ASCII.
std::string end_of(std::string prefix) {
    ensure(!prefix.empty() && prefix.back() != '\x7f', "key prefix");
    ++prefix.back();
    return prefix;
}

}  // namespace

struct Store::Impl {
    struct Statements {
        sqlite::Statement get;
        sqlite::Statement list;
        sqlite::Statement list_at;
        sqlite::Statement count;
        sqlite::Statement row;
        sqlite::Statement append;
        sqlite::Statement create;
        sqlite::Statement replace;
        sqlite::Statement remove;
    };

    Impl(sqlite::Database opened, Options given)
        : database(std::move(opened)),
          options(given),
          ring(given.ring_events_max, given.ring_bytes_max) {}

    Result<void> prepare();
    Result<void> load();
    Result<void> load_ring();
    Result<std::string> meta(std::string_view name);
    Result<void> set_meta(std::string_view name, std::string_view value);
    Result<Record> read(sqlite::Statement& row, bool removed) const;
    Result<Body> body_of(Revision at);
    Result<ListPage> collect(sqlite::Statement& rows, std::size_t limit) const;
    Result<void> begin();
    Result<Record> append(
        const std::string& key, const Record* previous, bool removed, const Encode& encode
    );
    Result<void> move_current(const std::string& key, const Record* previous, bool removed);
    Result<void> compact_to(Revision target);

    sqlite::Database database;
    Options options;
    std::optional<Statements> statements;
    std::string uuid;
    Revision committed = kFirstRevision;
    Revision compacted = 0;
    EventRing ring;

    // The open transaction.
    std::optional<sqlite::Transaction> transaction;
    std::vector<EventPtr> staged;
    std::optional<Error> broken;  // A write failed half-way: nothing of this may be committed.
};

Result<void> Store::Impl::prepare() {
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
        "DELETE FROM current WHERE key = ?1 AND revision = ?3",
    };
    std::vector<sqlite::Statement> prepared;
    for (const std::string_view sql : kSql) {
        Result<sqlite::Statement> statement = database.prepare(sql);
        if (!statement) {
            return fail(statement.error());
        }
        prepared.push_back(std::move(*statement));
    }
    statements.emplace(Statements{
        .get = std::move(prepared[0]),
        .list = std::move(prepared[1]),
        .list_at = std::move(prepared[2]),
        .count = std::move(prepared[3]),
        .row = std::move(prepared[4]),
        .append = std::move(prepared[5]),
        .create = std::move(prepared[6]),
        .replace = std::move(prepared[7]),
        .remove = std::move(prepared[8]),
    });
    return {};
}

Result<std::string> Store::Impl::meta(std::string_view name) {
    Result<sqlite::Statement> query = database.prepare("SELECT value FROM meta WHERE name = ?1");
    if (!query) {
        return fail(query.error());
    }
    const Result<bool> row = query->bind(1, name).step();
    if (!row) {
        return fail(row.error());
    }
    return *row ? std::string(query->text(0)) : std::string();
}

Result<void> Store::Impl::set_meta(std::string_view name, std::string_view value) {
    Result<sqlite::Statement> statement =
        database.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)");
    if (!statement) {
        return fail(statement.error());
    }
    return statement->bind(1, name).bind(2, value).run();
}

Result<void> Store::Impl::load() {
    const Result<std::string> stored_uuid = meta("store_uuid");
    const Result<std::string> stored_compacted = meta("compacted");
    if (!stored_uuid || !stored_compacted) {
        return fail(stored_uuid ? stored_compacted.error() : stored_uuid.error());
    }
    uuid = *stored_uuid;
    if (uuid.empty()) {
        uuid = Random::from_system().uuid();
        if (const Result<void> done = set_meta("store_uuid", uuid); !done) {
            return done;
        }
    }
    compacted = std::strtoll(stored_compacted->c_str(), nullptr, 10);
    {
        Result<sqlite::Statement> query = database.prepare("SELECT max(revision) FROM log");
        if (!query) {
            return fail(query.error());
        }
        const Result<bool> row = query->step();
        if (!row) {
            return fail(row.error());
        }
        committed = std::max(kFirstRevision, query->integer(0));
    }
    return load_ring();
}

// So that watches resume across a restart.
Result<void> Store::Impl::load_ring() {
    const auto wanted = static_cast<Revision>(options.ring_events_max);
    const Revision after = std::max({kFirstRevision, compacted, committed - wanted});
    ring.reset(after);
    std::unordered_map<Revision, Body> bodies;
    sqlite::Statement& row = statements->row;
    for (Revision at = after + 1; at <= committed; ++at) {
        const Result<bool> found = row.bind(1, at).step();
        if (!found) {
            return fail(found.error());
        }
        if (!*found) {
            return fail(
                ErrorCode::corrupt, fmt::format("{}: revision {} is missing", database.path(), at)
            );
        }
        const bool removed = row.integer(4) != 0;
        const Revision previous = row.integer(5);
        Result<Record> record = read(row, removed);
        row.reset();
        if (!record) {
            return fail(record.error());
        }
        Body previous_body;
        if (const auto known = bodies.find(previous); known != bodies.end()) {
            previous_body = known->second;
        } else if (previous != 0) {
            Result<Body> loaded = body_of(previous);
            if (!loaded) {
                return fail(loaded.error());
            }
            previous_body = std::move(*loaded);
        }
        bodies[at] = record->body;
        ring.push(std::make_shared<const Event>(
            Event{at, std::move(record->key), removed, std::move(record->body), previous_body}
        ));
    }
    return {};
}

Result<Body> Store::Impl::body_of(Revision at) {
    sqlite::Statement& row = statements->row;
    const Result<bool> found = row.bind(1, at).step();
    if (!found) {
        return fail(found.error());
    }
    if (!*found) {
        return fail(
            ErrorCode::corrupt, fmt::format("{}: revision {} is missing", database.path(), at)
        );
    }
    Result<Record> record = read(row, row.integer(4) != 0);
    row.reset();
    if (!record) {
        return fail(record.error());
    }
    return std::move(record->body);
}

Result<Record> Store::Impl::read(sqlite::Statement& row, bool removed) const {
    Record record{
        std::string(row.text(0)), row.integer(1), std::make_shared<const std::string>(row.blob(3))
    };
    if (row.blob(2) != checksum_of(record.key, record.revision, removed, *record.body)) {
        return fail(
            ErrorCode::corrupt,
            fmt::format(
                "{}: revision {} of {} is damaged", database.path(), record.revision, record.key
            )
        );
    }
    return record;
}

Result<ListPage> Store::Impl::collect(sqlite::Statement& rows, std::size_t limit) const {
    ListPage page;
    while (true) {
        const Result<bool> row = rows.step();
        if (!row) {
            return fail(row.error());
        }
        if (!*row) {
            return page;
        }
        if (limit != 0 && page.records.size() == limit) {
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

Result<void> Store::Impl::begin() {
    if (transaction) {
        return {};
    }
    Result<sqlite::Transaction> begun = sqlite::Transaction::begin(database);
    if (!begun) {
        return fail(begun.error());
    }
    transaction.emplace(std::move(*begun));
    return {};
}

Result<Record> Store::Impl::append(
    const std::string& key, const Record* previous, bool removed, const Encode& encode
) {
    if (broken) {
        return fail(*broken);
    }
    if (const Result<void> begun = begin(); !begun) {
        return fail(begun.error());
    }
    // First, since it is what finds a conflict, and then nothing has been written.
    if (const Result<void> moved = move_current(key, previous, removed); !moved) {
        if (moved.error().code() != ErrorCode::conflict) {
            broken = moved.error();
        }
        return fail(moved.error());
    }
    const Revision revision = committed + static_cast<Revision>(staged.size()) + 1;
    Record record{key, revision, std::make_shared<const std::string>(encode(revision))};
    const std::string checksum = checksum_of(key, revision, removed, *record.body);
    const Result<void> written = statements->append.bind(1, revision)
                                     .bind(2, key)
                                     .bind(3, previous == nullptr ? 0 : previous->revision)
                                     .bind(4, removed ? 1 : 0)
                                     .bind_blob(5, checksum)
                                     .bind_blob(6, *record.body)
                                     .run();
    if (!written) {
        broken = written.error();
        return fail(written.error());
    }
    staged.push_back(std::make_shared<const Event>(
        Event{revision, key, removed, record.body, previous == nullptr ? nullptr : previous->body}
    ));
    return record;
}

Result<void> Store::Impl::move_current(
    const std::string& key, const Record* previous, bool removed
) {
    const Revision next = committed + static_cast<Revision>(staged.size()) + 1;
    sqlite::Statement& statement = previous == nullptr ? statements->create
                                   : removed           ? statements->remove
                                                       : statements->replace;
    statement.bind(1, key);
    if (!removed) {
        statement.bind(2, next);
    }
    if (previous != nullptr) {
        statement.bind(3, previous->revision);
    }
    if (const Result<void> done = statement.run(); !done) {
        return done;
    }
    if (database.changes() != 1) {
        return fail(ErrorCode::conflict, fmt::format("{} has been changed meanwhile", key));
    }
    return {};
}

// For each revision in the step: what it replaced goes, and itself when it is a removal. So each
// call costs as much as it removes, and no other row is looked at.
Result<void> Store::Impl::compact_to(Revision target) {
    Result<sqlite::Transaction> step = sqlite::Transaction::begin(database);
    if (!step) {
        return fail(step.error());
    }
    static constexpr std::array<std::string_view, 2> kDeletes = {
        "DELETE FROM log WHERE revision IN (SELECT previous FROM log"
        " WHERE revision > ?1 AND revision <= ?2 AND previous != 0)",
        "DELETE FROM log WHERE revision > ?1 AND revision <= ?2 AND removed = 1",
    };
    for (const std::string_view sql : kDeletes) {
        Result<sqlite::Statement> statement = database.prepare(sql);
        if (!statement) {
            return fail(statement.error());
        }
        const Result<void> done = statement->bind(1, compacted).bind(2, target).run();
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
    compacted = target;
    return database.release_pages(kReleasePages);
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& path, Options options) {
    ensure(options.history_revisions > 0, "no history to keep");
    Result<sqlite::Database> database = sqlite::Database::open(path);
    if (!database) {
        return fail(database.error());
    }
    if (const Result<void> migrated = database->migrate(kSchema); !migrated) {
        return fail(migrated.error());
    }
    auto impl = std::make_unique<Impl>(std::move(*database), options);
    if (const Result<void> prepared = impl->prepare(); !prepared) {
        return fail(prepared.error());
    }
    if (const Result<void> loaded = impl->load(); !loaded) {
        return fail(loaded.error());
    }
    return std::unique_ptr<Store>(new Store(std::move(impl)));
}

const std::string& Store::uuid() const {
    return impl_->uuid;
}

Revision Store::revision() const {
    return impl_->committed + static_cast<Revision>(impl_->staged.size());
}

Result<std::optional<Record>> Store::get(const std::string& key) {
    sqlite::Statement& query = impl_->statements->get;
    const Result<bool> row = query.bind(1, key).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return std::optional<Record>();
    }
    Result<Record> record = impl_->read(query, false);
    query.reset();
    if (!record) {
        return fail(record.error());
    }
    return std::optional<Record>(std::move(*record));
}

Result<ListPage> Store::list(const ListQuery& query) {
    if (query.at_revision != 0 && query.at_revision < impl_->compacted) {
        return fail(
            ErrorCode::resource_exhausted,
            fmt::format("revision {} has been compacted", query.at_revision)
        );
    }
    const std::string& start = std::max(query.prefix, query.start);
    const bool now = query.at_revision == 0 || query.at_revision == revision();
    sqlite::Statement& rows = now ? impl_->statements->list : impl_->statements->list_at;
    rows.bind(1, start).bind(2, end_of(query.prefix));
    // One more than wanted tells whether there is more; -1 is no limit.
    rows.bind(3, query.limit == 0 ? -1 : static_cast<std::int64_t>(query.limit) + 1);
    if (!now) {
        rows.bind(4, query.at_revision);
    }
    return impl_->collect(rows, query.limit);
}

Result<std::int64_t> Store::count(const std::string& prefix, const std::string& start) {
    sqlite::Statement& query = impl_->statements->count;
    const Result<bool> row = query.bind(1, std::max(prefix, start)).bind(2, end_of(prefix)).step();
    if (!row) {
        return fail(row.error());
    }
    const std::int64_t count = query.integer(0);
    query.reset();
    return count;
}

Result<Record> Store::put(const std::string& key, const Record* previous, const Encode& encode) {
    return impl_->append(key, previous, false, encode);
}

Result<Record> Store::remove(const Record& previous, const Encode& encode) {
    return impl_->append(previous.key, &previous, true, encode);
}

Result<void> Store::commit() {
    if (!impl_->transaction) {
        return {};
    }
    const Result<void> committed =
        impl_->broken ? Result<void>(fail(*impl_->broken)) : impl_->transaction->commit();
    if (!committed) {
        rollback();
        return committed;
    }
    impl_->transaction.reset();
    for (EventPtr& event : std::exchange(impl_->staged, {})) {
        impl_->committed = event->revision;
        impl_->ring.push(std::move(event));
    }
    return {};
}

void Store::rollback() {
    impl_->transaction.reset();
    impl_->staged.clear();
    impl_->broken.reset();
}

Result<EventBatch> Store::events_after(
    Revision after, std::string_view prefix, std::size_t limit
) const {
    return impl_->ring.after(after, prefix, limit);
}

Result<bool> Store::compact() {
    ensure(!impl_->transaction, "compaction inside a transaction");
    const Revision end = impl_->committed - impl_->options.history_revisions;
    // In whole steps, so that a busy store is not compacted at each commit.
    if (end - impl_->compacted < kCompactStep) {
        return false;
    }
    const Revision target = impl_->compacted + kCompactStep;
    if (const Result<void> done = impl_->compact_to(target); !done) {
        return fail(done.error());
    }
    return end - target >= kCompactStep;
}

}  // namespace farhold::kubestore
