// SPDX-License-Identifier: Apache-2.0
//
// Pure: what the hubs remember of a node's machine, kept in the annotations of its Lease, and what a
// Hello means against it: the same process again, a newer one, a store that went back in time, or a
// second machine with the same identity.
//
// Two processes of one machine never live at once, as the data folder is locked. So a process that
// opens a connection after another one has taken the node proves that there are two machines. The
// one that came later is refused as long as the other one lives.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"
#include "common/tunnel/messages.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::hub {

// The annotations that a heartbeat tests and writes; the others are written at a Hello only.
inline constexpr std::string_view kEpoch = "farhold.io/session-epoch";
inline constexpr std::string_view kAcked = "farhold.io/acked-seq";

inline constexpr std::size_t kProcessesMax = 8;
// A process without a sign of life for that long has left the node to others.
inline constexpr Duration kHolderSilence = std::chrono::seconds(30);

struct MachineMemory {
    std::uint64_t epoch = 0;
    std::string store_uuid;
    std::uint64_t acked_seq = 0;
    std::uint64_t generation = 0;  // Of that store, as it last said.
    std::uint64_t reports_lost = 0;
    std::string holder;  // The process that has the node.
    // Processes that had it, the one with the right of way before the others.
    std::vector<std::string> processes;
    std::string refused;    // The process that was last told to be another machine's.
    std::string went_back;  // The process that woke up with an older store.
    WallTime acquired;      // When the holder took the node.
    WallTime renewed;       // Its last sign of life.

    static MachineMemory read(const json::Value& lease);
    // All but `renewed`, which is the heartbeat's business.
    void write(json::Value& lease) const;
};

struct Claim {
    const tunnel::Hello& hello;
    WallTime opened;  // Before the connection was answered; what comes on it is from later.
    WallTime now;
    std::uint64_t epoch_floor = 0;
};

enum class Verdict : std::uint8_t {
    admitted,
    takes_back,  // Admitted; the process that had the node is another machine's.
    cloned,      // Refused: another machine with this identity was first and lives.
    overtaken,   // Refused: a connection from before the present holder.
};

struct Judgement {
    Verdict verdict = Verdict::admitted;
    MachineMemory next;              // To be written when it differs or the machine is admitted.
    bool went_back = false;          // The machine must be told.
    bool went_back_is_news = false;  // And so must people.
    bool clone_is_news = false;
    std::uint64_t reports_lost = 0;  // By the machine, since it last said so.

    [[nodiscard]] bool admitted() const {
        return verdict == Verdict::admitted || verdict == Verdict::takes_back;
    }
};

Judgement judge(const MachineMemory& memory, const Claim& claim);

}  // namespace farhold::hub
