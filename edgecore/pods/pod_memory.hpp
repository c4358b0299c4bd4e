// SPDX-License-Identifier: Apache-2.0
//
// Pure: what a pod's life cycle has to remember beyond the runtime's own state: restart counts, how
// containers ended, the final phase, its tokens. Kept in the edge store as one small row per pod and
// written only when one of these changes, so that counts go on after every container is gone and a pod
// comes back after a reboot without network with the tokens that it had.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "edgecore/podspec/pod_spec.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::pods {

// What the runtime shows of one pod uid, from one complete listing.
struct ObservedSandbox {
    std::string id;
    std::uint32_t attempt = 0;
    bool ready = false;
    std::string ip;  // Empty with host networking.
};

enum class ContainerState : std::uint8_t { created, running, exited, unknown };

struct ObservedContainer {
    std::string id;
    std::string sandbox_id;
    std::string name;
    std::uint32_t attempt = 0;
    ContainerState state = ContainerState::created;
    std::string spec_hash;
    std::string image_id;
    std::optional<WallTime> started_at;
    std::optional<WallTime> finished_at;
    std::int32_t exit_code = 0;
    std::string reason;
    std::string message;  // The termination message where the container left one.
};

struct Observation {
    std::vector<ObservedSandbox> sandboxes;
    std::vector<ObservedContainer> containers;
};

struct Termination {
    std::string container_id;
    std::int32_t exit_code = 0;
    std::string reason;
    std::string message;
    std::optional<WallTime> started_at;
    std::optional<WallTime> finished_at;

    bool operator==(const Termination&) const = default;
};

// The newest attempt of one container, and how the one before ended.
struct ContainerRecord {
    enum class State : std::uint8_t { created, running, ended };

    std::uint32_t attempt = 0;  // Equals Kubernetes' restartCount.
    State state = State::created;
    std::string container_id;
    std::string sandbox_id;
    std::string image_id;
    std::optional<WallTime> started_at;
    std::optional<Termination> ended;     // Of this attempt; set when state is `ended`.
    std::optional<Termination> previous;  // Of the attempt before: lastState.

    bool operator==(const ContainerRecord&) const = default;
};

enum class FinalPhase : std::uint8_t { succeeded, failed };

struct FinalState {
    FinalPhase phase = FinalPhase::failed;
    std::string reason;
    std::string message;

    bool operator==(const FinalState&) const = default;
};

// A condition of the status: since when it has been as it is, for people.
struct ConditionRecord {
    bool status = false;
    WallTime since;

    bool operator==(const ConditionRecord&) const = default;
};

// A ServiceAccount's token.
struct HeldToken {
    std::string token;    // A secret.
    WallTime refresh_at;  // By trusted time.

    bool operator==(const HeldToken&) const = default;
};

struct PodMemory {
    // Whose it is, for a pod whose object is gone.
    std::string ns;
    std::string name;
    std::map<std::string, ContainerRecord, std::less<>> containers;
    // The phase that is never left again.
    std::optional<FinalState> final_state;
    // One above every sandbox attempt seen so far. Stored before it is asked for, so that a process
    // that died cannot have asked for another one, which could still take effect.
    std::uint32_t next_sandbox_attempt = 0;
    // status.startTime: for people only.
    std::optional<WallTime> start_time;
    std::map<std::string, ConditionRecord, std::less<>> conditions;
    std::map<podspec::TokenTerms, HeldToken> tokens;
    // Time spent active in earlier runs of edgecore, for activeDeadlineSeconds.
    Duration active{};
    // The grace of the last spec seen, for a pod that is removed while edgecore is down.
    std::chrono::seconds grace{30};

    // Folds a complete listing in. Returns whether something durable changed: a container was first
    // seen running, or ended. A container known to have run that is missing has ended unseen.
    bool fold(const Observation& observation);

    bool operator==(const PodMemory&) const = default;
};

std::string encode_memory(const PodMemory& memory);
Result<PodMemory> decode_memory(std::string_view text);

}  // namespace farhold::pods
