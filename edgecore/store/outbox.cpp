// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/outbox.hpp"

#include <algorithm>
#include <utility>

namespace farhold::store {

Outbox::Outbox(std::vector<ReportRow> rows, std::uint64_t seq_high) : seq_high_(seq_high) {
    for (ReportRow& row : rows) {
        seq_high_ = std::max(seq_high_, row.seq);
        stored(std::move(row));
    }
}

Result<ReportRow> Outbox::put(std::string key, std::string uid, std::string body) {
    if (body.size() > tunnel::kReportBytesMax) {
        return fail(ErrorCode::invalid_argument, "report " + key + " is too large");
    }
    if (seq_of_.size() >= kOutboxRowsMax && !seq_of_.contains(key)) {
        ++found_full_;
        return fail(ErrorCode::resource_exhausted, "the outbox is full");
    }
    ReportRow row;
    row.seq = ++seq_high_;
    row.key = std::move(key);
    row.uid = std::move(uid);
    row.body = std::move(body);
    return row;
}

void Outbox::stored(ReportRow row) {
    const auto [known, added] = seq_of_.try_emplace(row.key, row.seq);
    if (!added) {
        // Commits end in the order of their numbers; after a load rows may come in any order.
        if (known->second >= row.seq) {
            return;
        }
        ++superseded_;
        const auto older = by_seq_.find(known->second);
        bytes_ -= older->second.body.size();
        by_seq_.erase(older);
        known->second = row.seq;
    }
    bytes_ += row.body.size();
    const std::uint64_t seq = row.seq;
    by_seq_.emplace(seq, std::move(row));
}

void Outbox::raise_sequence(std::uint64_t seq_high) {
    seq_high_ = std::max(seq_high_, seq_high);
}

std::vector<const ReportRow*> Outbox::window(std::uint64_t after, std::size_t count) const {
    std::vector<const ReportRow*> rows;
    for (auto it = by_seq_.upper_bound(after); it != by_seq_.end() && rows.size() < count; ++it) {
        rows.push_back(&it->second);
    }
    return rows;
}

bool Outbox::acknowledge(std::uint64_t seq) {
    const auto row = by_seq_.find(seq);
    if (row == by_seq_.end()) {
        return false;
    }
    bytes_ -= row->second.body.size();
    seq_of_.erase(row->second.key);
    by_seq_.erase(row);
    return true;
}

const ReportRow* Outbox::find(const std::string& key) const {
    const auto seq = seq_of_.find(key);
    return seq == seq_of_.end() ? nullptr : &by_seq_.at(seq->second);
}

}  // namespace farhold::store
