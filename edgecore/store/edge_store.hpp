// SPDX-License-Identifier: Apache-2.0
//
// What a machine keeps on its disk, as an interface: SQLite in the program (sqlite_edge_store.hpp),
// memory with crashes in the simulation. Blocking; one thread at a time.
#pragma once

#include "common/base/error.hpp"
#include "edgecore/store/store_batch.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace farhold::store {

// What was not as it should be. Nothing of it stops a start; rows that fail their checksum are set
// aside and kept for examination.
struct LoadReport {
    std::size_t damaged_desired = 0;
    std::size_t damaged_reports = 0;  // Lost: nobody else has them.
    std::size_t damaged_memory = 0;
    std::string replaced_database;      // Where an unreadable database was moved to; else empty.
    std::vector<std::string> findings;  // One sentence each, for the log.

    [[nodiscard]] bool clean() const { return findings.empty(); }
};

struct StoreContents {
    StoreMeta meta;
    std::vector<DesiredRow> desired;
    std::vector<ReportRow> reports;  // By seq.
    std::vector<MemoryRow> memory;
    LoadReport report;
};

class EdgeStore {
public:
    virtual ~EdgeStore() = default;

    // Once, before the first commit. An error means that not even a new database could be made.
    virtual Result<StoreContents> load() = 0;

    // One transaction, in the order given. Success: all of it is on the disk for good. Failure: it
    // counts as not done, yet after a crash it may show that it was.
    virtual Result<void> commit(std::span<const StoreBatch> batches) = 0;
};

}  // namespace farhold::store
