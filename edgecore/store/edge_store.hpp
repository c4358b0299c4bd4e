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

// What was not as it should be. Nothing of it stops a start; rows that fail their checksum are left
// out, and kept for examination in the database that was replaced.
struct LoadReport {
    std::size_t damaged_desired = 0;
    std::size_t damaged_reports = 0;  // Lost: nobody else has them.
    std::size_t damaged_memory = 0;
    std::string replaced_database;      // Where an unreadable database was moved to; else empty.
    bool went_back = false;             // What was written last is gone.
    std::string not_writable;           // Why nothing can be written yet; else empty.
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

    // Once, before the first commit. A disk that fails is no error: then the contents are what could
    // be read, and the report says the rest. What cannot be read at all, or is a newer program's, is
    // kept under another name. An error means that the store's name cannot be known.
    virtual Result<StoreContents> load() = 0;

    // One transaction, in the order given. Success: all of it is on the disk for good. Failure: it
    // counts as not done, yet after a crash it may show that it was.
    // resource_exhausted: the disk is full, and the store is as it was.
    virtual Result<void> commit(std::span<const StoreBatch> batches) = 0;

    // Writes everything anew beside the present database and puts it in its place: after a failed
    // sync the kernel shows what the disk does not have, so nothing may be built upon it. The
    // present one is kept for examination, if wanted.
    virtual Result<void> rewrite(const StoreContents& contents, bool keep_present) = 0;

    // Gives the space that is held for a full disk to the commits to come.
    virtual void open_reserve() = 0;
    // Holds it again; resource_exhausted while there is no room.
    virtual Result<void> fill_reserve() = 0;
};

}  // namespace farhold::store
