// SPDX-License-Identifier: Apache-2.0
//
// The tables of the edge store and how their rows are written and read, on a given connection. Part
// of SqliteEdgeStore; apart from it because a rescue writes the same rows into a new database.
#pragma once

#include "common/sqlite/database.hpp"
#include "edgecore/store/edge_store.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace farhold::store {

// Everything that can be read. Damaged rows are counted in the report and left out; `complete` is
// false when desired rows are among them.
StoreContents read_rows(sqlite::Database& database);

// An open database with its prepared statements.
class StoreWriter {
public:
    static Result<std::unique_ptr<StoreWriter>> open(const std::string& path);
    ~StoreWriter();

    [[nodiscard]] sqlite::Database& database() { return database_; }

    // All batches in one transaction.
    Result<void> write(std::span<const StoreBatch> batches);
    // Everything, into a new database.
    Result<void> write_contents(const StoreContents& contents, const StoreMeta& meta);
    Result<void> mark_open(bool open);
    Result<void> write_meta(const StoreMeta& meta);

private:
    explicit StoreWriter(sqlite::Database database);

    Result<void> prepare();
    Result<void> write_batch(const StoreBatch& batch);
    Result<void> put_meta(std::string_view name, std::string_view value);
    Result<void> put_desired(const DesiredRow& row);
    Result<void> put_report(const ReportRow& row);
    Result<void> put_memory(const MemoryRow& row);
    Result<void> put_all_meta(const StoreMeta& meta);

    struct Statements;

    sqlite::Database database_;
    std::unique_ptr<Statements> statements_;  // After the database, so that it is closed last.
};

}  // namespace farhold::store
