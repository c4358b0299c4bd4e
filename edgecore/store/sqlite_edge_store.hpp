// SPDX-License-Identifier: Apache-2.0
//
// The edge store on SQLite: DIR/state.db (WAL, synchronous=FULL) and, beside it, DIR/store_uuid, so
// that a machine whose database is lost still knows which containers are its own. Every row carries
// a checksum, since SQLite does not notice most damage (reliability.md 1.3). A damaged database is
// kept as DIR/state.db.damaged-N, and what is good of it is carried into a new one.
#pragma once

#include "edgecore/store/edge_store.hpp"

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
    // After a failure the database is opened again: what a failed fsync left in memory is not
    // what is on the disk.
    Result<void> commit(std::span<const StoreBatch> batches) override;

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    Result<StoreContents> open_or_rescue();
    Result<void> replace_database(StoreContents& contents);
    Result<void> settle_uuid(StoreMeta& meta) const;

    std::string directory_;
    std::string path_;
    std::string boot_id_;
    std::string new_uuid_;
    std::unique_ptr<StoreWriter> writer_;  // Null before load() and after a failed commit.
};

}  // namespace farhold::store
