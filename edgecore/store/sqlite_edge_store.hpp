// SPDX-License-Identifier: Apache-2.0
//
// The edge store on SQLite: DIR/state.db (WAL, synchronous=FULL) and, beside it, DIR/store_uuid, so
// that a machine whose database is lost still knows which containers are its own. Every row carries
// a checksum, since SQLite does not notice most damage (reliability.md 1.3).
#pragma once

#include "common/sqlite/database.hpp"
#include "edgecore/store/edge_store.hpp"

#include <memory>
#include <string>

namespace farhold::store {

class SqliteEdgeStore final : public EdgeStore {
public:
    // `directory` exists. `new_uuid` becomes the store's name if this machine has none yet.
    SqliteEdgeStore(std::string directory, std::string boot_id, std::string new_uuid);
    ~SqliteEdgeStore() override;

    Result<StoreContents> load() override;
    Result<void> commit(std::span<const StoreBatch> batches) override;

    [[nodiscard]] std::string path() const;

private:
    struct Connection;  // The open database with its prepared statements.

    Result<void> open();
    Result<void> write(std::span<const StoreBatch> batches);

    std::string directory_;
    std::string boot_id_;
    std::string new_uuid_;
    std::unique_ptr<Connection> connection_;  // Null after a failed commit, until the next one.
};

}  // namespace farhold::store
