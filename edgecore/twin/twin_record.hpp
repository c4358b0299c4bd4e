// SPDX-License-Identifier: Apache-2.0
//
// Pure: what is kept of a device, on the disk as JSON. Reported and desired stand apart, each with a
// version of two numbers as KubeEdge has them: writes that came from the cloud, writes made here.
#pragma once

#include "common/base/error.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace farhold::twin {

struct Versions {
    std::uint64_t cloud = 0;
    std::uint64_t edge = 0;

    bool operator==(const Versions&) const = default;
};

// A hybrid logical clock: wall clock time, and a number for what a clock that stands or went back
// cannot tell apart.
struct Stamp {
    std::int64_t ms = 0;
    std::uint32_t count = 0;

    // Later than this one, and not before that time.
    [[nodiscard]] Stamp next(std::int64_t at_ms) const {
        return at_ms > ms ? Stamp{at_ms, 0} : Stamp{ms, count + 1};
    }

    auto operator<=>(const Stamp&) const = default;
};

struct Desired {
    std::string value;
    Versions version;
    std::string who;  // Of this machine's own authors; empty: the cloud.
    std::int64_t at_ms = 0;
    Stamp stamp;
    std::int64_t proved_ms = 0;  // The trusted time when it was set here.
    bool unmerged = false;  // Set here, and the cloud's word has not been weighed against it yet.

    [[nodiscard]] bool by_cloud() const { return who.empty(); }
};

// What the cloud said last, whether or not it stands.
struct CloudWord {
    std::string value;
    std::string mark;  // Value and metadata: another one is another word.
    std::int64_t at_ms = 0;
};

struct Reported {
    std::string value;
    Versions version;
    std::int64_t at_ms = 0;
    std::int64_t sent_ms = 0;  // By the sender's clock.
};

// Two desired values met, and one of them stands.
struct Conflict {
    std::string cloud;
    std::string machine;
    bool machine_stands = false;
    std::int64_t at_ms = 0;
};

struct Property {
    std::optional<Desired> desired;
    std::optional<CloudWord> cloud;
    std::optional<Reported> reported;
    std::optional<Conflict> conflict;
    bool optional = true;
    std::string type = "string";
};

struct DeviceRecord {
    std::string uid;
    std::string state;
    std::int64_t last_online_ms = 0;
    std::map<std::string, Property> properties;
    // Counts what the cloud is to be told of; how much of it is in the outbox, or was.
    std::uint64_t changes = 0;
    std::uint64_t told = 0;
    std::string told_state;  // What the outbox was given last as the Device's own status.

    [[nodiscard]] std::string encode() const;
    static Result<DeviceRecord> decode(std::string_view text);
};

}  // namespace farhold::twin
