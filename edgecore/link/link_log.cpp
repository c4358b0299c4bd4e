// SPDX-License-Identifier: Apache-2.0
#include "edgecore/link/link_log.hpp"

#include <utility>

namespace farhold::link {

LinkLog::LinkLog(log::Logger logger)
    : logger_(std::move(logger)), outage_(logger_, "link down", "link up") {}

void LinkLog::observe(const LinkStatus& status, const std::string& hub, Instant now) {
    const Phase before = std::exchange(phase_, status.phase);
    if (status.phase == Phase::disconnected && before != Phase::disconnected) {
        down(status, hub, now);
    }
    if (status.phase != Phase::live) return;
    refused_told_ = false;
    if (outage_.present()) {
        const bool steady = outages_ <= kOutagesTold || now - status.since >= kSteadyAfter;
        if (steady) outage_.over(now, {{"hub", hub}, {"epoch", status.epoch}});
    } else if (!std::exchange(up_told_, true)) {
        logger_.info("link up", {{"hub", hub}, {"epoch", status.epoch}});
    }
    up_told_ = true;
    if (status.small_segments && !small_segments_told_) {
        logger_.warning("large packets are lost on the way to the hub, segments are kept small");
    }
    small_segments_told_ = status.small_segments;
}

void LinkLog::down(const LinkStatus& status, const std::string& hub, Instant now) {
    if (!outage_.present()) {
        if (now - window_began_ > kOutageWindow) {
            window_began_ = now;
            outages_ = 0;
        }
        ++outages_;
        refused_told_ = status.refused;
    } else if (status.refused && !std::exchange(refused_told_, true)) {
        // Another matter than a line that is cut: nothing helps but a person.
        logger_.warning("the hub refuses this machine", {{"hub", hub}, {"error", status.trouble}});
    }
    outage_.met(status.trouble, now, {{"hub", hub}});
}

}  // namespace farhold::link
