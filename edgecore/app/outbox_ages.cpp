// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/outbox_ages.hpp"

#include <utility>

namespace farhold::edge {

namespace {

constexpr std::size_t kSweepSlack = 64;

}  // namespace

void OutboxAges::update(const store::Outbox& outbox, Instant now) {
    for (const store::ReportRow* row : outbox.window(newest_, store::kOutboxRowsMax)) {
        since_.emplace_hint(since_.end(), row->seq, now);
        newest_ = row->seq;
    }
    const auto first = outbox.window(0, 1);
    since_.erase(
        since_.begin(), first.empty() ? since_.end() : since_.lower_bound(first.front()->seq)
    );
    if (since_.size() <= 2 * outbox.size() + kSweepSlack) return;
    std::map<std::uint64_t, Instant> waiting;
    for (const store::ReportRow* row : outbox.window(0, store::kOutboxRowsMax)) {
        waiting.emplace_hint(waiting.end(), row->seq, since_.at(row->seq));
    }
    since_ = std::move(waiting);
}

Duration OutboxAges::oldest(Instant now) const {
    return since_.empty() ? Duration(0) : now - since_.begin()->second;
}

}  // namespace farhold::edge
