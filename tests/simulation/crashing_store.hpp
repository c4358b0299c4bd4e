// SPDX-License-Identifier: Apache-2.0
//
// A machine's disk, and the edge store on it. What was committed is there for ever; a commit that a
// crash interrupted, or that failed, may or may not be.
#pragma once

#include "edgecore/store/edge_store.hpp"
#include "world.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace farhold::simulation {

class CrashingStore final : public store::EdgeStore {
public:
    CrashingStore(World& world, std::string node) : world_(world), node_(std::move(node)) {
        meta_.store_uuid = "store-" + node_;
    }

    // For each new process.
    Result<store::StoreContents> load() override;
    Result<void> commit(std::span<const store::StoreBatch> batches) override;
    // The machines of the simulation keep to commits.
    Result<void> rewrite(const store::StoreContents& /*all*/, bool /*keep*/) override { return {}; }
    void open_reserve() override {}
    Result<void> fill_reserve() override { return {}; }

    // The process died: what a failed commit left in the log may show now.
    void crash();

    [[nodiscard]] const std::map<object::ObjectKey, store::DesiredRow>& desired() const {
        return desired_;
    }
    [[nodiscard]] const std::map<std::string, std::string>& memory() const { return memory_; }
    [[nodiscard]] std::size_t outbox_size() const { return outbox_.size(); }

private:
    void apply(const store::StoreBatch& batch);
    void damage(store::LoadReport& report);

    World& world_;
    std::string node_;
    store::StoreMeta meta_;
    std::map<object::ObjectKey, store::DesiredRow> desired_;
    std::map<std::string, store::ReportRow> outbox_;  // By key.
    std::map<std::string, std::string> memory_;
    std::vector<store::StoreBatch> failed_;  // Written, maybe.
};

}  // namespace farhold::simulation
