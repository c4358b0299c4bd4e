// SPDX-License-Identifier: Apache-2.0
#include "commit_witness.hpp"

#include <utility>

namespace farhold::simulation {

void CommitWitness::received(const std::string& bytes) {
    if (broken_) {
        return;
    }
    auto message = downward_.read(bytes);
    if (!message) {
        broken_ = true;
    } else if (*message) {
        if (auto* batch = std::get_if<tunnel::Batch>(&**message)) {
            for (const tunnel::Upsert& upsert : batch->upserts) {
                newest_[upsert.key] = batch->id;
            }
            for (const tunnel::Removal& removal : batch->removals) {
                newest_[removal.key] = batch->id;
            }
            batches_.emplace(batch->id, std::move(*batch));
        }
    }
}

void CommitWitness::sent(const std::string& bytes) {
    const auto message = upward_.read(bytes);
    if (!message) {
        world_.violate("well-formed", node_ + ": " + message.error().message());
        return;
    }
    if (!*message) {
        return;
    }
    if (const auto* committed = std::get_if<tunnel::Committed>(&**message)) {
        const auto batch = batches_.find(committed->id);
        if (batch != batches_.end()) {
            check(batch->second);
            batches_.erase(batch);
        }
    }
}

void CommitWitness::check(const tunnel::Batch& batch) {
    for (const tunnel::Upsert& upsert : batch.upserts) {
        const auto row = disk_.desired().find(upsert.key);
        const bool stored = row != disk_.desired().end() && row->second.uid == upsert.uid &&
                            row->second.hash == upsert.hash;
        if (!stored && newest_.at(upsert.key) == batch.id) {
            world_.violate(
                "confirmed_is_durable",
                fmt::format("{} confirmed {} and does not have it", node_, upsert.key.text())
            );
        }
    }
}

}  // namespace farhold::simulation
