// SPDX-License-Identifier: Apache-2.0
//
// Pure: durable reports on their way to the hub. One report per key waits; a newer one takes its
// place under a new number. A report counts from the commit on: put() numbers it and changes
// nothing else, stored() takes it in once the row is on the disk, and only then may it be sent.
#pragma once

#include "common/base/error.hpp"
#include "common/tunnel/messages.hpp"
#include "edgecore/store/store_batch.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace farhold::store {

inline constexpr std::size_t kOutboxRowsMax = 8192;

class Outbox {
public:
    Outbox() = default;
    Outbox(std::vector<ReportRow> rows, std::uint64_t seq_high);

    // The row to commit. Refused (resource_exhausted, invalid_argument) at the limits above.
    [[nodiscard]] Result<ReportRow> put(std::string key, std::string uid, std::string body);
    void stored(ReportRow row);

    // Numbers reports above this from now on: the store was put back to an older state, and the
    // hub has seen higher ones.
    void raise_sequence(std::uint64_t seq_high);

    // Up to `count` reports with a number above `after`, oldest first. Valid until the next call
    // of a function that changes the outbox.
    [[nodiscard]] std::vector<const ReportRow*> window(std::uint64_t after, std::size_t count)
        const;

    // The hub has written or for good refused this number. An older number than the one that waits
    // under the key is unknown by now: false.
    bool acknowledge(std::uint64_t seq);

    [[nodiscard]] const ReportRow* find(const std::string& key) const;
    [[nodiscard]] std::uint64_t seq_high() const { return seq_high_; }
    [[nodiscard]] std::size_t size() const { return by_seq_.size(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    // Since the start: reports whose place a newer one of the key took before they were handled, and
    // reports for which there was no room.
    [[nodiscard]] std::uint64_t superseded() const { return superseded_; }
    [[nodiscard]] std::uint64_t found_full() const { return found_full_; }

private:
    std::map<std::uint64_t, ReportRow> by_seq_;
    std::unordered_map<std::string, std::uint64_t> seq_of_;
    std::uint64_t seq_high_ = 0;
    std::size_t bytes_ = 0;
    std::uint64_t superseded_ = 0;
    std::uint64_t found_full_ = 0;
};

}  // namespace farhold::store
