// SPDX-License-Identifier: Apache-2.0
//
// Pure: what stands in KubeEdge's messages about devices. Written as Go's encoder does: maps in the
// order of their keys, nothing that is empty and optional, "<", ">" and "&" escaped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::twin {

inline constexpr std::size_t kPayloadBytesMax = std::size_t{256} << 10U;

enum class Code : std::uint16_t {
    bad_request = 400,
    not_found = 404,
    conflict = 409,
    internal = 500
};

struct Refusal {
    Code code = Code::bad_request;
    std::string event_id;  // As far as it could be read.
    std::string reason;
};

struct PropertyUpdate {
    bool remove = false;  // Null.
    std::optional<std::string> expected;
    std::optional<std::string> actual;
    std::optional<bool> optional;
    std::optional<std::string> type;
};
struct TwinUpdate {
    std::string event_id;
    std::int64_t sent_ms = 0;  // By the sender's clock; 0: it does not say.
    std::map<std::string, PropertyUpdate> properties;
};
std::expected<TwinUpdate, Refusal> read_twin_update(std::string_view payload);

struct StateUpdate {
    std::string event_id;
    std::string state;
};
std::expected<StateUpdate, Refusal> read_state_update(std::string_view payload);

// Of a message that only asks.
std::expected<std::string, Refusal> read_event_id(std::string_view payload);

struct ValueView {
    std::string value;
    std::int64_t at_ms = 0;
};
struct PropertyView {
    std::optional<ValueView> expected;
    std::optional<ValueView> actual;
    std::optional<bool> optional;
    std::optional<std::string> type;
};
using TwinView = std::map<std::string, std::optional<PropertyView>>;  // Null: removed.

struct DocumentEntry {
    std::optional<PropertyView> last;
    std::optional<PropertyView> current;
};
using Document = std::map<std::string, DocumentEntry>;

using Attributes = std::map<std::string, std::string>;

struct MemberView {
    std::string id;
    std::string name;
    std::string description;
    std::string state;
    std::string last_online;
    Attributes attributes;
    TwinView twin;
};

// What every message begins with.
struct Base {
    std::string event_id;
    std::int64_t at_ms = 0;
};

std::string error_payload(const Base& base, Code code, std::string_view reason);
std::string twin_payload(const Base& base, const TwinView& twin);
std::string document_payload(const Base& base, const Document& document);
std::string delta_payload(
    const Base& base, const TwinView& twin, const std::map<std::string, std::string>& delta
);
std::string state_payload(
    const Base& base, std::string_view name, std::string_view state, std::string_view last_online
);
// Null: the attribute is gone.
std::string attributes_payload(
    const Base& base, const std::map<std::string, std::optional<std::string>>& attributes
);
std::string members_payload(const Base& base, const std::vector<MemberView>& devices);
std::string membership_payload(
    const Base& base, const std::vector<MemberView>& added, const std::vector<MemberView>& removed
);

}  // namespace farhold::twin
