// SPDX-License-Identifier: Apache-2.0
//
// Pure: what this machine has to report, in the order and at the pace of the session.
//
// Durable reports come from the outbox, oldest first, and only as committed. Derived ones are kept
// here, the newest of each key, and all of them are sent in every session. Events wait in a queue of
// their own and go last.
//
// A key may have both. Its derived text waits until no durable report of the key is in the outbox:
// else a crash could bring the durable one, older by then, to the cloud once more.
//
// What an earlier process left in the outbox may be older than what it told the cloud last: a commit
// that failed can show after a crash. So such a report about a pod that is wanted here waits until
// this process has its own word of the pod, and goes with that text.
#pragma once

#include "common/tunnel/messages.hpp"
#include "edgecore/store/desired_state.hpp"
#include "edgecore/store/outbox.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace farhold::link {

inline constexpr std::size_t kReportKeysMax = 4096;
inline constexpr std::size_t kEventsMax = 256;  // The oldest give way.

// What an acknowledgement was about.
struct SentReport {
    std::string key;
    std::uint64_t seq = 0;  // 0 unless durable.
    tunnel::ReportClass cls = tunnel::ReportClass::derived;
};

class ReportQueue {
public:
    // A derived report or an event. False when a bound was hit and a report (this one, or the oldest
    // event) was dropped.
    bool submit(tunnel::Report report);
    // The key is no longer reported. A durable report of it still goes its way.
    void forget(const std::string& key);

    // Nothing has been sent yet. Reports up to `inherited_up_to` are an earlier process's.
    void begin_session(std::uint64_t inherited_up_to);
    // Durable reports up to this number are not sent in this session.
    void skip_to(std::uint64_t seq) { last_seq_ = seq; }
    // The reports to send now, as far as the window allows.
    std::vector<tunnel::Report> take(
        const store::Outbox& outbox, const store::DesiredState& desired
    );
    // Nothing when no such report is on its way.
    std::optional<SentReport> acknowledge(std::uint64_t ordinal);

private:
    // The newest derived report of a key.
    struct Latest {
        std::string uid;
        std::string body;
        bool in_flight = false;
    };
    struct InFlight {
        std::string key;
        std::uint64_t seq = 0;
        std::size_t bytes = 0;
        std::optional<tunnel::Report> event;  // Comes back if the session ends before.
    };

    bool submit_event(tunnel::Report report);
    bool fits(const tunnel::Report& report) const;
    void launch(tunnel::Report report, std::vector<tunnel::Report>& out);
    [[nodiscard]] bool waits(const store::ReportRow& row, const store::DesiredState& desired) const;
    // These answer whether there was room for all.
    bool take_durable(
        const store::Outbox& outbox, const store::DesiredState& desired,
        std::vector<tunnel::Report>& out
    );
    bool take_late(
        const store::Outbox& outbox, const store::DesiredState& desired,
        std::vector<tunnel::Report>& out
    );
    bool take_row(const store::ReportRow& row, std::vector<tunnel::Report>& out);
    bool take_derived(const store::Outbox& outbox, std::vector<tunnel::Report>& out);
    void take_events(std::vector<tunnel::Report>& out);

    std::map<std::string, Latest> latest_;
    std::set<std::string> unsent_;  // Keys whose latest text was not sent in this session.
    std::deque<tunnel::Report> events_;
    std::map<std::uint64_t, InFlight> in_flight_;  // By ordinal.
    std::size_t bytes_in_flight_ = 0;
    std::uint64_t ordinal_ = 0;
    std::uint64_t last_seq_ = 0;  // Of the outbox, in this session.
    std::set<std::string> late_;  // Keys whose report was passed over in this session.
    std::uint64_t inherited_up_to_ = 0;
};

}  // namespace farhold::link
