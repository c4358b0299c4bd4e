// SPDX-License-Identifier: Apache-2.0
//
// Pure: what machine and hub say to each other, as plain values; the wire form and the meaning of
// each field are in proto/farhold/tunnel/v1/tunnel.proto. Both ends share the limits below.
#pragma once

#include "common/base/time.hpp"
#include "common/object/object_key.hpp"
#include "common/tunnel/view_digest.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace farhold::tunnel {

inline constexpr std::uint32_t kProtocol = 1;

// Silence after which either side gives a connection up, and how often the machine pings. After a
// quick answer the next ping may come later: four seconds are left then, in which TCP on such a line
// sends a lost packet again four times.
inline constexpr Duration kSilenceMax = std::chrono::seconds(10);
inline constexpr Duration kPingInterval = std::chrono::seconds(4);
inline constexpr Duration kQuickAnswer = std::chrono::milliseconds(500);
inline constexpr Duration kPingIntervalAfterQuickAnswer = std::chrono::seconds(6);

// A WebSocket message that is longer is refused; none of ours exceeds a fragment and its header.
inline constexpr std::size_t kWireBytesMax = std::size_t{1} << 20U;
inline constexpr std::size_t kFragmentBytes = std::size_t{64} << 10U;
// What the kernel may hold of a session's connection while the line is too slow for it.
inline constexpr std::size_t kUnsentBytesMax = std::size_t{16} << 10U;
// A whole frame, put together of its fragments.
inline constexpr std::size_t kFrameBytesMax = std::size_t{5} << 20U;
// One object's content; Kubernetes itself stops at 1.5 MiB.
inline constexpr std::size_t kContentBytesMax = std::size_t{4} << 20U;

// Entries of one Inventory, objects of one Batch, reports of one Reports.
inline constexpr std::size_t kItemsMax = 1000;
// Numbers of reports: both stores keep them as signed 64-bit numbers and count on from any of them.
inline constexpr std::uint64_t kSeqMax = std::uint64_t{1} << 62U;
inline constexpr std::size_t kTextBytesMax = 1024;  // Keys, uids, versions, reasons.
inline constexpr std::size_t kProcessBytesMax = 64;
inline constexpr std::size_t kPemBytesMax = std::size_t{64} << 10U;
inline constexpr std::size_t kReportBytesMax = std::size_t{256} << 10U;
inline constexpr std::size_t kTokenBytesMax = std::size_t{32} << 10U;

// What may be on its way at once: batches that are not committed, reports that are not handled.
// One object or report may exceed the bytes when it travels alone.
inline constexpr std::size_t kBatchWindow = 8;
inline constexpr std::size_t kBatchWindowBytes = std::size_t{512} << 10U;
inline constexpr std::size_t kReportWindow = 64;
inline constexpr std::size_t kReportWindowBytes = std::size_t{512} << 10U;
// Token requests that are not answered.
inline constexpr std::size_t kTokenWindow = 4;

struct Hello {
    std::uint32_t protocol = kProtocol;
    std::string version;
    std::string store_uuid;
    std::uint64_t generation = 0;
    std::string boot_id;
    std::uint64_t seq_high = 0;
    ViewDigest digest;
    std::uint64_t objects = 0;
    std::string process;
    std::uint64_t reports_lost = 0;
};

enum class SyncMode : std::uint8_t { in_sync, need_inventory, renew_only };

struct Welcome {
    std::uint64_t epoch = 0;
    std::string cluster_uid;
    WallTime hub_time;
    SyncMode mode = SyncMode::need_inventory;
    std::uint64_t acked_seq = 0;
    bool store_went_back = false;
};

struct InventoryEntry {
    object::ObjectKey key;
    std::string uid;
    std::string hash;
    std::uint32_t encoding = 0;

    bool operator==(const InventoryEntry&) const = default;
};

struct Inventory {
    std::vector<InventoryEntry> entries;
    bool last = false;
};

struct Upsert {
    object::ObjectKey key;
    std::string uid;
    std::string resource_version;
    std::string hash;  // 16 bytes.
    std::uint32_t encoding = 0;
    // Shared with the view on one side and the store on the other; never null.
    std::shared_ptr<const std::string> content;
};

struct Removal {
    object::ObjectKey key;
    std::string uid;

    bool operator==(const Removal&) const = default;
};

struct Batch {
    std::uint64_t id = 0;
    std::vector<Upsert> upserts;
    std::vector<Removal> removals;
    bool more = false;
    std::optional<ViewDigest> digest;
    bool kept_back = false;
};

// What it counts for in the batch window.
std::size_t size_of(const Upsert& upsert);
std::size_t size_of(const Batch& batch);

struct Committed {
    std::uint64_t id = 0;
};

// durable: kept in the machine's outbox until it is acknowledged. derived: the newest of its key,
// sent again at each connect. event: as many as the queue holds.
enum class ReportClass : std::uint8_t { durable, derived, event };
inline constexpr std::size_t kReportClasses = 3;
std::string_view to_string(ReportClass cls);

struct Report {
    ReportClass cls = ReportClass::derived;
    std::string key;
    std::string uid;
    std::uint64_t seq = 0;
    std::string body;
};

// What it counts for in the report window.
std::size_t size_of(const Report& report);

struct Reports {
    std::vector<Report> reports;
};

struct Refusal {
    std::uint64_t ordinal = 0;
    std::string reason;
    bool gone = false;

    bool operator==(const Refusal&) const = default;
};

struct ReportsAck {
    std::vector<std::uint64_t> handled;
    std::vector<Refusal> refused;
};

struct Ping {
    std::uint64_t id = 0;
    Duration loop_beat_age{};
};

struct Pong {
    std::uint64_t id = 0;
    WallTime hub_time;
};

struct RenewCertificate {
    std::string request_pem;
};

struct Certificate {
    std::string certificate_pem;
    std::string refusal;
};

// A ServiceAccount token that a pod wants.
struct TokenWish {
    std::string ns;
    std::string pod;
    std::string pod_uid;
    std::string service_account;
    std::string audience;  // Empty: the Kubernetes API.
    std::int64_t expiration_seconds = 0;

    auto operator<=>(const TokenWish&) const = default;
};

struct TokenRequest {
    std::uint64_t id = 0;
    TokenWish wish;
};

struct Token {
    std::uint64_t id = 0;
    std::string token;  // A secret. Empty: refused.
    WallTime expires;
    std::string refusal;
    bool retry = false;
};

enum class GoodbyeReason : std::uint8_t {
    shutting_down,
    not_ready,  // The hub cannot reach Kubernetes or does not know it whole yet.
    overloaded,
    protocol,    // The peer broke a rule; the text says which.
    superseded,  // A newer session of the same node.
    fenced,      // Another hub has a newer session of the node.
    revoked,
    unknown_node,
    unsupported_version,
    cloned,  // Another machine with this identity was first.
};

std::string_view to_string(GoodbyeReason reason);

// Whether coming back soon would not help. The machine still comes back, at its slowest pace.
bool is_lasting(GoodbyeReason reason);

struct Goodbye {
    GoodbyeReason reason = GoodbyeReason::protocol;
    std::string text;
};

using Message = std::variant<
    Hello, Inventory, Committed, Reports, Ping, RenewCertificate, TokenRequest, Welcome, Batch,
    ReportsAck, Pong, Certificate, Token, Goodbye>;

inline constexpr std::size_t kMessageKinds = std::variant_size_v<Message>;

// The protocol's name of the message: "Hello".
std::string_view name_of(const Message& message);
// The same by its index in Message, below kMessageKinds.
std::string_view name_of_kind(std::size_t kind);

}  // namespace farhold::tunnel
