// SPDX-License-Identifier: Apache-2.0
#include "crashing_store.hpp"

#include "common/json/value.hpp"

#include <algorithm>
#include <iterator>

namespace farhold::simulation {

Result<store::StoreContents> CrashingStore::load() {
    store::StoreContents contents;
    if (world_.happens(world_.faults.row_damaged)) {
        damage(contents.report);
    }
    ++meta_.generation;
    meta_.complete = meta_.complete && contents.report.clean();
    meta_.seq_at_start = meta_.seq_high;
    meta_.reports_lost += contents.report.damaged_reports;
    contents.meta = meta_;
    for (const auto& [key, row] : desired_) {
        contents.desired.push_back(row);
    }
    for (const auto& [key, row] : outbox_) {
        contents.reports.push_back(row);
    }
    std::ranges::sort(contents.reports, {}, &store::ReportRow::seq);
    for (const auto& [uid, text] : memory_) {
        contents.memory.push_back(store::MemoryRow{uid, text});
    }
    return contents;
}

// One row, of whichever table, is not what its checksum says.
void CrashingStore::damage(store::LoadReport& report) {
    if (desired_.empty()) {
        return;
    }
    if (!outbox_.empty() && world_.random.chance(0.3)) {
        const auto row = std::next(
            outbox_.begin(),
            static_cast<std::ptrdiff_t>(world_.random.between(0, outbox_.size() - 1))
        );
        world_.ledger.report_damaged(row->first);
        world_.note("{} report {} damaged", node_, row->first);
        outbox_.erase(row);
        report.damaged_reports = 1;
    } else {
        const auto row = std::next(
            desired_.begin(),
            static_cast<std::ptrdiff_t>(world_.random.between(0, desired_.size() - 1))
        );
        world_.note("{} row {} damaged", node_, row->first.text());
        desired_.erase(row);
        report.damaged_desired = 1;
    }
    report.findings.emplace_back("damaged row");
}

Result<void> CrashingStore::commit(std::span<const store::StoreBatch> batches) {
    failed_.clear();  // The database was written anew, without it.
    if (world_.happens(world_.faults.commit_fails)) {
        failed_.assign(batches.begin(), batches.end());
        return fail(ErrorCode::internal, "disk I/O error");
    }
    for (const store::StoreBatch& batch : batches) {
        apply(batch);
    }
    return {};
}

void CrashingStore::crash() {
    if (world_.random.chance(0.3)) {
        for (const store::StoreBatch& batch : failed_) {
            apply(batch);
        }
    }
    failed_.clear();
}

void CrashingStore::apply(const store::StoreBatch& batch) {
    for (const object::ObjectKey& key : batch.removals) {
        desired_.erase(key);
    }
    for (const store::DesiredRow& row : batch.upserts) {
        desired_.insert_or_assign(row.key, row);
    }
    for (const store::ReportRow& row : batch.reports) {
        outbox_.insert_or_assign(row.key, row);
        meta_.seq_high = std::max(meta_.seq_high, row.seq);
        const auto body = json::Value::parse(row.body);
        world_.ledger.report_durable(row.key, row.uid, body ? body->integer_at({"order"}) : 0);
    }
    std::erase_if(outbox_, [&batch](const auto& entry) {
        return std::ranges::find(batch.acknowledged, entry.second.seq) != batch.acknowledged.end();
    });
    for (const store::MemoryRow& row : batch.memory) {
        memory_.insert_or_assign(row.pod_uid, row.text);
    }
    for (const std::string& uid : batch.forgotten) {
        memory_.erase(uid);
    }
    meta_.seq_high = std::max(meta_.seq_high, batch.seq_high.value_or(0));
    meta_.trusted_time = batch.trusted_time.value_or(meta_.trusted_time);
    meta_.complete = meta_.complete || batch.complete;
}

}  // namespace farhold::simulation
