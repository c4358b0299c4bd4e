// SPDX-License-Identifier: Apache-2.0
//
// Pure: since when each report in the outbox has waited, as far as this program has seen it.
#pragma once

#include "common/base/time.hpp"
#include "edgecore/store/outbox.hpp"

#include <cstdint>
#include <map>

namespace farhold::edge {

// Told after every commit; the cost is that of what the commit changed.
class OutboxAges {
public:
    void update(const store::Outbox& outbox, Instant now);
    // Of the oldest that waits; zero when none does.
    [[nodiscard]] Duration oldest(Instant now) const;

private:
    // By seq. The first one waits; others may have left, so it is swept when it has twice the rows.
    std::map<std::uint64_t, Instant> since_;
    std::uint64_t newest_ = 0;
};

}  // namespace farhold::edge
