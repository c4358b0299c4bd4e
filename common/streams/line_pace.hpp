// SPDX-License-Identifier: Apache-2.0
//
// Pure: how many bytes of streams a connection may have on its way, so that it carries what the line
// does and yet packets do not pile up before the narrowest place, where heartbeats and keystrokes would
// wait behind them, also those of the other connection. Judged by the connection's own round trips:
// what they take longer than the shortest ever is time spent waiting.
#pragma once

#include "common/base/time.hpp"
#include "common/net/line_state.hpp"

#include <cstddef>

namespace farhold::streams {

class LinePace {
public:
    // So many bytes may be handed over now, as one frame. 0: look again after pause().
    std::size_t room(const net::LineState& line, Instant now);
    [[nodiscard]] static Duration pause(const net::LineState& line);

private:
    void adapt(const net::LineState& line);

    std::size_t window_ = std::size_t{16} << 10U;
    bool starting_ = true;  // Nothing has ever waited.
    bool was_full_ = false;
    Instant adapt_at_{};
};

}  // namespace farhold::streams
