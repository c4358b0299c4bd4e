// SPDX-License-Identifier: Apache-2.0
//
// Pure: what of a batch goes to a full disk. What makes room, and what pods must remember, is written
// from the reserve; durable reports wait in memory, where a newer one of a key replaces the older
// one; objects are refused, but for those that are being deleted.
#pragma once

#include "edgecore/store/store_batch.hpp"

#include <string_view>
#include <vector>

namespace farhold::store {

// Whether the object is on its way out: storing that is the way to more room.
bool is_leaving(std::string_view content);

struct FrugalBatch {
    StoreBatch essential;  // May be empty.
    std::vector<ReportRow> held;
    bool refused = false;  // It brought other objects, which are in neither.
};

FrugalBatch make_frugal(StoreBatch batch);

}  // namespace farhold::store
