// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/frugal_batch.hpp"

#include <utility>

namespace farhold::store {

// By its text: whatever merely quotes the word does no harm.
bool is_leaving(std::string_view content) {
    return content.contains("\"deletionTimestamp\":");
}

FrugalBatch make_frugal(StoreBatch batch) {
    FrugalBatch frugal;
    frugal.refused = std::erase_if(batch.upserts, [](const DesiredRow& row) {
                         return !is_leaving(*row.content);
                     }) > 0;
    if (frugal.refused) {
        batch.complete = false;
    }
    frugal.held = std::exchange(batch.reports, {});
    frugal.essential = std::move(batch);
    return frugal;
}

}  // namespace farhold::store
