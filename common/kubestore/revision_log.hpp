// SPDX-License-Identifier: Apache-2.0
//
// The tables on the disk, without any notion of what is committed or watched; Store adds that.
//   log      one row a revision: key, the revision it replaced (0: none), whether it removed the
//            key, the body, and a checksum over all of it, since SQLite's own integrity check
//            finds little of what a disk can do to a row.
//   current  key -> revision of the keys that exist.
//   meta     store_uuid; compacted: lists at an older revision are refused.
#pragma once

#include "common/base/error.hpp"
#include "common/kubestore/store.hpp"
#include "common/sqlite/database.hpp"

#include <functional>
#include <optional>
#include <string>

namespace farhold::kubestore {

class RevisionLog {
public:
    static Result<RevisionLog> open(const std::string& path);

    const std::string& uuid() const { return uuid_; }
    // The newest row's; that of an empty log is not 0, which would mean "any".
    Revision newest() const { return newest_; }
    Revision compacted() const { return compacted_; }
    sqlite::Database& database() { return database_; }

    Result<std::optional<Record>> get(const std::string& key);
    // `at_revision` 0: the current ones.
    Result<ListPage> list(const ListQuery& query);
    Result<std::int64_t> count(const std::string& prefix, const std::string& start);

    // Hands over the rows after `after` up to the newest, in order.
    Result<void> replay(Revision after, const std::function<void(Event)>& take);

    // One row. conflict: `previous` is not what `current` says, and nothing has been written; any
    // other error may have left half a write, so the transaction must be rolled back.
    Result<void> append(const Event& event, Revision previous);

    // For each revision up to `target`: what it replaced goes, and itself when it is a removal.
    // Costs as much as it removes, since no other row is looked at.
    Result<void> compact(Revision target);

private:
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

    RevisionLog(sqlite::Database database, Statements statements)
        : database_(std::move(database)), statements_(std::move(statements)) {}

    static Result<Statements> prepare(sqlite::Database& database);
    Result<void> load();
    Result<std::string> meta(std::string_view name);
    Result<void> set_meta(std::string_view name, std::string_view value);
    Result<void> move_current(const Event& event, Revision previous);
    Result<Record> read(sqlite::Statement& row, bool removed) const;
    Result<Event> row_at(Revision revision, Revision& previous);

    sqlite::Database database_;
    Statements statements_;
    std::string uuid_;
    Revision newest_ = 0;
    Revision compacted_ = 0;
};

}  // namespace farhold::kubestore
