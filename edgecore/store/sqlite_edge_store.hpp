// SPDX-License-Identifier: Apache-2.0
//
// The edge store on SQLite: DIR/state.db (WAL, synchronous=FULL) and, beside it, DIR/store_uuid, so
// that a machine whose database is lost still knows which containers are its own, and DIR/reserve,
// space for a full disk. Every row carries a checksum, since SQLite does not notice most damage. A
// damaged database is kept as DIR/state.db.damaged-N, and what is good of it is carried into a new
// one. A log (DIR/state.db-wal) that is gone although no process closed the store well is noticed.
#pragma once

#include "edgecore/store/edge_store.hpp"
#include "edgecore/store/space_reserve.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace farhold::store {

class StoreWriter;

class SqliteEdgeStore final : public EdgeStore {
public:
    // `directory` exists. `new_uuid` becomes the store's name if this machine has none yet.
    SqliteEdgeStore(std::string directory, std::string boot_id, std::string new_uuid);
    ~SqliteEdgeStore() override;

    Result<StoreContents> load() override;
    Result<void> commit(std::span<const StoreBatch> batches) override;
    Result<void> rewrite(const StoreContents& contents, bool keep_present) override;
    void open_reserve() override { reserve_.release(); }
    Result<void> fill_reserve() override { return reserve_.fill(); }

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    Result<StoreContents> open_or_salvage();
    Result<void> settle_uuid(StoreContents& contents) const;
    Result<void> begin(StoreMeta meta);
    Result<void> take_over(const std::string& kept);

    std::string directory_;
    std::string path_;
    std::string boot_id_;
    std::string new_uuid_;
    SpaceReserve reserve_;
    std::uint64_t generation_ = 0;         // Of this process.
    std::string kept_;                     // Where the last rewrite moved the database.
    std::unique_ptr<StoreWriter> writer_;  // Null while only rewrite() can help.
};

}  // namespace farhold::store
