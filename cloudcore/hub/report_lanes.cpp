// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/report_lanes.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace farhold::hub {
namespace {

constexpr Duration kRetryBase = std::chrono::milliseconds(500);
constexpr Duration kRetryCap = std::chrono::seconds(10);
constexpr std::size_t kRestsKept = 256;  // Then those that are over are forgotten.

bool is_of_device(const tunnel::Report& report) {
    return report.key.starts_with("DeviceStatus/") || report.key.starts_with("DeviceState/");
}

// "PodStatus/default/hello" and "PodGone/default/hello" are about the same object.
std::string lane_of(const tunnel::Report& report) {
    if (report.cls == tunnel::ReportClass::event || is_of_device(report)) {
        return report.key;
    }
    return report.key.substr(std::min(report.key.find('/'), report.key.size()));
}

Duration retry_delay(int failures) {
    Duration delay = kRetryBase;
    for (int i = 1; i < failures && delay < kRetryCap; ++i) {
        delay *= 2;
    }
    return std::min(delay, kRetryCap);
}

}  // namespace

bool ReportLanes::add(tunnel::Report report, Instant now) {
    const std::size_t bytes = tunnel::size_of(report);
    const bool beyond =
        reports_.size() >= tunnel::kReportWindow || bytes_ + bytes > tunnel::kReportWindowBytes;
    if (!reports_.empty() && beyond) {
        return false;
    }
    ++ordinal_;
    if (report.cls == tunnel::ReportClass::event && !allow_event(now)) {
        acks_.refused.push_back({ordinal_, "too many events", false});
        return true;
    }
    std::string lane = lane_of(report);
    if (not_before_.size() > kRestsKept) {
        std::erase_if(not_before_, [now](const auto& one) { return one.second <= now; });
    }
    const auto rest = not_before_.find(lane);
    const Instant due = rest == not_before_.end() ? now : std::max(now, rest->second);
    lanes_[lane].push_back(ordinal_);
    bytes_ += bytes;
    reports_.emplace(
        ordinal_, Waiting{.report = std::move(report), .lane = std::move(lane), .due = due}
    );
    return true;
}

// A bucket that holds kEventBurst and is filled again at kEventsPerSecond.
bool ReportLanes::allow_event(Instant now) {
    const std::chrono::duration<double> since = now - events_filled_;
    events_left_ = std::min(kEventBurst, events_left_ + since.count() * kEventsPerSecond);
    events_filled_ = now;
    if (events_left_ < 1) {
        return false;
    }
    events_left_ -= 1;
    return true;
}

std::vector<NumberedReport> ReportLanes::take(Instant now) {
    std::vector<NumberedReport> out;
    for (auto& [ordinal, waiting] : reports_) {
        if (applying_ >= kAppliesMax) {
            break;
        }
        if (!waiting.applying && waiting.due <= now && is_first(ordinal, waiting)) {
            waiting.applying = true;
            rest_after(waiting, now);
            ++applying_;
            out.push_back({ordinal, waiting.report});
        }
    }
    return out;
}

// The least time between two writes about the same device; what comes in between is newer by then.
void ReportLanes::rest_after(const Waiting& taken, Instant now) {
    if (!is_of_device(taken.report)) return;
    not_before_[taken.lane] = now + kDeviceInterval;
    for (const std::uint64_t next : lanes_.at(taken.lane)) {
        Waiting& later = reports_.at(next);
        if (!later.applying) later.due = std::max(later.due, now + kDeviceInterval);
    }
}

bool ReportLanes::is_first(std::uint64_t ordinal, const Waiting& waiting) const {
    return lanes_.at(waiting.lane).front() == ordinal;
}

std::optional<tunnel::Report> ReportLanes::settle(
    std::uint64_t ordinal, const ApplyOutcome& outcome, Instant now
) {
    const auto found = reports_.find(ordinal);
    if (found == reports_.end() || !found->second.applying) {
        return std::nullopt;
    }
    Waiting& waiting = found->second;
    waiting.applying = false;
    --applying_;
    if (outcome.kind == ApplyOutcome::Kind::retry) {
        ++waiting.failures;
        waiting.due = now + retry_delay(waiting.failures);
        return std::nullopt;
    }
    if (outcome.kind == ApplyOutcome::Kind::refused) {
        acks_.refused.push_back({ordinal, outcome.reason, outcome.gone});
    } else {
        acks_.handled.push_back(ordinal);
    }
    const auto lane = lanes_.find(waiting.lane);
    lane->second.pop_front();
    if (lane->second.empty()) {
        lanes_.erase(lane);
    }
    tunnel::Report report = std::move(waiting.report);
    bytes_ -= tunnel::size_of(report);
    reports_.erase(found);
    return report;
}

tunnel::ReportsAck ReportLanes::take_acks() {
    return std::exchange(acks_, {});
}

std::optional<Instant> ReportLanes::wake_at() const {
    std::optional<Instant> wake;
    if (applying_ >= kAppliesMax) {
        return wake;  // An outcome comes first.
    }
    for (const auto& [ordinal, waiting] : reports_) {
        if (!waiting.applying && is_first(ordinal, waiting)) {
            wake = std::min(wake.value_or(waiting.due), waiting.due);
        }
    }
    return wake;
}

}  // namespace farhold::hub
