// SPDX-License-Identifier: Apache-2.0
//
// Pure: how much the bulk connection may have on its way, so that it carries what the line does and
// yet its packets do not pile up before the narrowest place, where heartbeats and keystrokes of the
// other connection would wait behind them. Judged by the connection's own round trips: what they take
// longer than the shortest ever is time spent waiting.
#pragma once

#include "common/base/time.hpp"

#include <cstddef>

namespace farhold::streams {

class BulkPace {
public:
    // As the kernel knows it of the connection.
    struct Line {
        Duration rtt{};
        Duration rtt_min{};
        std::size_t under_way = 0;  // Bytes handed over and not acknowledged.
    };

    // So many bytes may be handed over now. 0: look again after pause().
    std::size_t room(const Line& line, Instant now);
    [[nodiscard]] static Duration pause(const Line& line);

private:
    void adapt(const Line& line);

    std::size_t window_ = std::size_t{64} << 10U;
    bool starting_ = true;  // Nothing has ever waited.
    bool was_full_ = false;
    Instant adapt_at_{};
};

}  // namespace farhold::streams
