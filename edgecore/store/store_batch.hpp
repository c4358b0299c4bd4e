// SPDX-License-Identifier: Apache-2.0
//
// Pure: the rows of the edge store as values, and a set of changes to them that is committed as one.
// The outbox, the link and the pods describe their changes in this form; only the store does I/O.
#pragma once

#include "common/base/time.hpp"
#include "common/object/object_key.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::store {

// An object that the hub wants on this machine. uid and resource_version stand beside the content,
// which has neither (common/tunnel/content.hpp).
struct DesiredRow {
    object::ObjectKey key;
    std::string uid;
    std::string resource_version;  // Carried, never compared.
    std::string hash;              // 16 bytes.
    std::uint32_t encoding = 0;
    std::shared_ptr<const std::string> content;  // JSON; shared with readers, as it never changes.
};

// A durable report on its way to the hub; the newest of its key replaces the older one.
struct ReportRow {
    std::uint64_t seq = 0;
    std::string key;  // "PodStatus/default/hello"
    std::string uid;
    std::string body;  // JSON.
};

// Of the memory of a device's twin, instead of a pod's uid: this and "<namespace>/<name>".
inline constexpr std::string_view kTwinMemory = "Device/";

// What a pod's life cycle must not forget, as JSON text (edgecore/pods/pod_memory.hpp), or what is
// kept of a device (edgecore/twin/twin_record.hpp).
struct MemoryRow {
    std::string pod_uid;
    std::string text;
};

struct StoreMeta {
    std::string store_uuid;          // Of this machine's state; survives a database that is lost.
    std::uint64_t generation = 0;    // Raised at each open.
    std::string boot_id;             // The kernel's, as of that open.
    std::uint64_t seq_high = 0;      // No report has ever had a higher number.
    std::uint64_t seq_at_start = 0;  // seq_high as it was when the store was loaded.
    std::uint64_t reports_lost = 0;  // Durable reports that damage has ever taken from it.
    WallTime trusted_time{};         // Latest time that a hub has proved.
    // The desired rows are all that the hub wanted at some moment. False in a new store and after
    // damage, until the link has compared with the hub: meanwhile a missing row means nothing.
    bool complete = false;
    bool open = false;  // A process has the store, or had it and died.
};

// Carried out in this order: removals, upserts, reports, acknowledgements, memory, meta.
struct StoreBatch {
    std::vector<object::ObjectKey> removals;
    std::vector<DesiredRow> upserts;
    std::vector<ReportRow> reports;
    std::vector<std::uint64_t> acknowledged;  // Reports by seq; unknown ones are passed over.
    std::vector<MemoryRow> memory;
    std::vector<std::string> forgotten;  // Memory rows by pod uid.
    std::optional<WallTime> trusted_time;
    std::optional<std::uint64_t> seq_high;  // Raises StoreMeta::seq_high.
    bool complete = false;  // Sets StoreMeta::complete; a batch never takes it back.

    [[nodiscard]] bool empty() const {
        return removals.empty() && upserts.empty() && reports.empty() && acknowledged.empty() &&
               memory.empty() && forgotten.empty() && !trusted_time && !seq_high && !complete;
    }
};

}  // namespace farhold::store
