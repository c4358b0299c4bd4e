// SPDX-License-Identifier: Apache-2.0
//
// Tells the log how the link fares: an outage once when it begins and once when it ends, however
// many attempts lie between. A link that comes and goes counts as down until it holds.
#pragma once

#include "common/base/time.hpp"
#include "common/log/log.hpp"
#include "common/log/trouble.hpp"
#include "edgecore/link/link_state.hpp"

#include <string>

namespace farhold::link {

// Outages that begin within kOutageWindow are told one by one up to this number; the next one ends
// when the link has been up for kSteadyAfter.
inline constexpr int kOutagesTold = 3;
inline constexpr Duration kOutageWindow = std::chrono::minutes(1);
inline constexpr Duration kSteadyAfter = std::chrono::seconds(15);

class LinkLog {
public:
    explicit LinkLog(log::Logger logger);

    // Told of every change of the status, and every few seconds while the link is up.
    void observe(const LinkStatus& status, const std::string& hub, Instant now);

private:
    void down(const LinkStatus& status, const std::string& hub, Instant now);

    log::Logger logger_;
    log::Trouble outage_;
    Phase phase_ = Phase::disconnected;
    bool up_told_ = false;
    bool refused_told_ = false;
    bool small_segments_told_ = false;
    Instant window_began_{};
    int outages_ = 0;  // That began in the window.
};

}  // namespace farhold::link
