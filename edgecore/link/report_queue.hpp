// SPDX-License-Identifier: Apache-2.0
//
// Pure: what this machine has to report, in the order and at the pace of the session.
//
// Durable reports come from the outbox, oldest first, and only as committed. Derived ones are kept
// here, the newest of each key, and all of them are sent in every session. A key may have both: then
// the newest text travels with the number of the outbox row, because the older text would be a step
// back for whoever has seen the newer one. While a text waits for its commit nothing of its key is
// sent: after a crash the machine would not know that it had said it.
#pragma once

#include "common/base/time.hpp"
#include "common/tunnel/messages.hpp"
#include "edgecore/store/outbox.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace farhold::link {

inline constexpr std::size_t kReportKeysMax = 4096;
inline constexpr std::size_t kEventsMax = 256;  // The oldest give way.

struct ReportToStore {
    std::string key;
    std::string uid;
    std::string body;
};

// What an acknowledgement was about.
struct SentReport {
    std::string key;
    std::uint64_t seq = 0;  // 0 unless durable.
};

class ReportQueue {
public:
    explicit ReportQueue(Duration store_retry) : store_retry_(store_retry) {}

    // False when a bound was hit and a report (this one, or the oldest event) was dropped.
    bool submit(tunnel::Report report);
    void forget(const std::string& key);

    // The commits that are due; each is answered by stored() or store_failed().
    std::vector<ReportToStore> take_stores(Instant now);
    void stored(const std::string& key);
    void store_failed(const std::string& key, Instant now);
    [[nodiscard]] std::optional<Instant> store_retry_at() const;

    // Nothing has been sent yet.
    void begin_session();

    // The reports to send now, as far as the window allows.
    std::vector<tunnel::Report> take(const store::Outbox& outbox);

    // Nothing when no such report is on its way.
    std::optional<SentReport> acknowledge(std::uint64_t ordinal);

private:
    // The newest report of a key.
    struct Latest {
        std::string uid;
        std::string body;
        bool unsent = true;       // In this session.
        bool in_flight = false;   // Sent as a derived report, not acknowledged.
        bool must_store = false;  // Is durable, and its commit has not been asked for.
        bool storing = false;     // An answer of the store is due.
        bool forgotten = false;   // Drop it as soon as it is stored.
    };
    struct InFlight {
        std::string key;
        std::uint64_t seq = 0;
        std::size_t bytes = 0;
        std::optional<tunnel::Report> event;  // Comes back if the session ends before.
    };

    bool submit_event(tunnel::Report report);
    bool fits(std::size_t bytes) const;
    void launch(tunnel::Report report, std::vector<tunnel::Report>& out);
    void take_durable(const store::Outbox& outbox, std::vector<tunnel::Report>& out);
    void take_derived(std::vector<tunnel::Report>& out);
    void take_events(std::vector<tunnel::Report>& out);

    Duration store_retry_;
    std::map<std::string, Latest> latest_;
    std::deque<tunnel::Report> events_;
    std::map<std::uint64_t, InFlight> in_flight_;  // By ordinal.
    std::size_t bytes_in_flight_ = 0;
    std::uint64_t ordinal_ = 0;
    std::uint64_t last_seq_ = 0;  // Of the outbox, sent in this session.
    std::optional<Instant> retry_at_;
};

}  // namespace farhold::link
