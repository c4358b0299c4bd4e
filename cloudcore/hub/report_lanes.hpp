// SPDX-License-Identifier: Apache-2.0
//
// Pure: the reports of one session on their way to Kubernetes. Reports about one object form a lane
// and are written one after the other; different lanes go in parallel up to a bound. What Kubernetes
// cannot take now is tried again; it leaves the lane only when it was taken or refused for good.
#pragma once

#include "common/base/time.hpp"
#include "common/tunnel/messages.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace farhold::hub {

inline constexpr std::size_t kAppliesMax = 8;  // At the same time, of one session.
// Between two writes about the same device.
inline constexpr Duration kDeviceInterval = std::chrono::seconds(1);
// Events that one machine may create; what is beyond is refused, so that it cannot flood the API.
inline constexpr double kEventsPerSecond = 10;
inline constexpr double kEventBurst = 200;

struct ApplyOutcome {
    enum class Kind : std::uint8_t {
        written,     // Kubernetes has it, or has it already.
        superseded,  // The object carries a newer report of this session.
        refused,     // For good; the reason says why.
        fenced,      // The object carries a report of a newer epoch.
        retry,       // Kubernetes is away, or somebody else changed the object meanwhile.
    };
    Kind kind = Kind::written;
    std::string reason;
    bool unchanged = false;  // Kubernetes had it already.
    bool gone = false;       // Refused only because what it is about is not there any more.
};

struct NumberedReport {
    std::uint64_t ordinal = 0;
    tunnel::Report report;
};

class ReportLanes {
public:
    explicit ReportLanes(Instant now) : events_filled_(now) {}

    // False when the machine sends more than the window allows.
    bool add(tunnel::Report report, Instant now);

    // The reports to apply now.
    std::vector<NumberedReport> take(Instant now);

    // Takes in the outcome of one that take() gave; the report itself once it is done with.
    std::optional<tunnel::Report> settle(
        std::uint64_t ordinal, const ApplyOutcome& outcome, Instant now
    );

    // What is done with since the last call, for the machine.
    tunnel::ReportsAck take_acks();

    [[nodiscard]] std::optional<Instant> wake_at() const;
    [[nodiscard]] std::size_t size() const { return reports_.size(); }

private:
    struct Waiting {
        tunnel::Report report;
        std::string lane;
        bool applying = false;
        int failures = 0;
        Instant due{};
    };

    bool allow_event(Instant now);
    void rest_after(const Waiting& taken, Instant now);
    bool is_first(std::uint64_t ordinal, const Waiting& waiting) const;

    std::map<std::uint64_t, Waiting> reports_;  // By ordinal.
    std::map<std::string, std::deque<std::uint64_t>> lanes_;
    std::map<std::string, Instant> not_before_;  // By lane.
    std::size_t bytes_ = 0;
    std::size_t applying_ = 0;
    std::uint64_t ordinal_ = 0;
    double events_left_ = kEventBurst;
    Instant events_filled_;
    tunnel::ReportsAck acks_;
};

}  // namespace farhold::hub
