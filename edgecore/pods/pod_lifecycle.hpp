// SPDX-License-Identifier: Apache-2.0
//
// Pure: what to do next for one pod uid, given what is wanted, what the runtime shows, what is
// remembered, and the time. The driver (pod_worker) and the simulation run the same loop:
//
//   action = lifecycle.next(now); carry it out; report the outcome; again.
//
// Three rules keep a pod from ever running twice:
//  1. One operation in flight at a time.
//  2. After every operation on the runtime, whatever its outcome, comes Observe: a complete listing.
//     An operation that timed out may still take effect later.
//  3. An attempt number is used again until the runtime was seen to hold it, and the next one only
//     once that is stored; the runtime reserves the name (pod uid, attempt), so a late start and its
//     repetition cannot both succeed, not even across a crash of this process.
// Only Instant decides; the wall clock is carried for people.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "edgecore/pods/pod_memory.hpp"
#include "edgecore/pods/retry_timers.hpp"
#include "edgecore/podspec/pod_spec.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace farhold::pods {

using podspec::ContainerSpec;
using podspec::PodIdentity;
using podspec::PodSpecPtr;

// How long a failed pull shows as ErrImagePull before it shows as ImagePullBackOff.
inline constexpr Duration kPullErrorShown = std::chrono::seconds(5);

// Sandboxes that have died and cannot be stopped, because the network's plugin is away, say. With so
// many of them the next one waits.
inline constexpr std::size_t kDeadSandboxesMax = 3;

// Operations: each is answered by exactly one of observed(), image_checked() and finished().
struct Observe {};         // List this uid's sandboxes and containers -> observed().
struct SaveMemory {};      // Commit memory() and the durable status report in one transaction.
struct PrepareVolumes {};  // Make or refresh; idempotent, leaves running containers undisturbed.
struct CheckImage {        // -> image_checked().
    std::string image;
};
struct PullImage {
    std::string image;
};
struct RunSandbox {
    std::uint32_t attempt = 0;
};
struct CreateContainer {
    std::string sandbox_id;
    std::string name;
    std::uint32_t attempt = 0;
};
struct StartContainer {
    std::string container_id;
    std::string name;
};
struct StopContainers {  // All at once: the grace is shared.
    struct Target {
        std::string container_id;
        std::string name;
    };
    std::vector<Target> targets;
    std::chrono::seconds grace{0};
};
struct RemoveContainer {
    std::string container_id;
};
struct StopSandbox {
    std::string sandbox_id;
};
struct RemoveSandbox {
    std::string sandbox_id;
};
struct RemoveVolumes {};  // Unmount and delete all that the pod has on this machine.
struct ReportGone {};     // Say, in every session from now on, that nothing is left.

// Not operations.
struct Cancel {};  // Give up the operation in flight (only ever a pull, a stop or volume work).
struct Wait {      // For an event, or until a moment.
    std::optional<Instant> until;
};
struct Forget {};  // Nothing is wanted and nothing is left: drop the memory row and the worker.

using Action = std::variant<
    Observe, SaveMemory, PrepareVolumes, CheckImage, PullImage, RunSandbox, CreateContainer,
    StartContainer, StopContainers, RemoveContainer, StopSandbox, RemoveSandbox, RemoveVolumes,
    ReportGone, Cancel, Wait, Forget>;

// What kubelet would write as an Event of the pod.
struct PodEvent {
    bool warning = false;
    std::string reason;
    std::string message;
    std::string container;  // Empty: about the whole pod.

    bool operator==(const PodEvent&) const = default;
};

struct WaitingReason {
    std::string reason;
    std::string message;

    bool operator==(const WaitingReason&) const = default;
};

class PodLifecycle {
public:
    // `memory` is the stored row, or empty for a pod not seen before.
    PodLifecycle(PodIdentity identity, PodMemory memory);

    // What the store holds now; null when the row was removed by a committed batch, or when a
    // complete store has no row for something found in the runtime.
    void desire(PodSpecPtr spec, Now now);
    // Refuses a pod for good (admission): it becomes Failed. No effect once a container was seen.
    void refuse(std::string reason, std::string message);
    // A ConfigMap, Secret or field the pod refers to changed: refresh volumes, retry what waited.
    void references_changed();
    // Something happened in the runtime: look again.
    void runtime_changed();

    Action next(Now now);

    void observed(Result<Observation> observation, Now now);
    void image_checked(const Result<bool>& present, Now now);
    void finished(const Result<void>& outcome, Now now);
    // CreateContainer could not even be asked of the runtime: an object or key is missing.
    void configuration_failed(const Error& error, Now now);

    // For the status.
    [[nodiscard]] const PodIdentity& identity() const { return identity_; }
    [[nodiscard]] const PodSpecPtr& spec() const { return spec_; }
    [[nodiscard]] const PodMemory& memory() const { return memory_; }
    [[nodiscard]] const Observation& observation() const { return observation_; }
    [[nodiscard]] const ObservedSandbox* current_sandbox() const;
    [[nodiscard]] bool terminating() const;
    // The cluster says that it has ended and nothing is known of it here: another machine, or this one
    // before it was set up anew, has run it and told how that went.
    [[nodiscard]] bool ended_elsewhere() const { return ended_elsewhere_; }
    // False while all that is known of its containers is what an earlier process has remembered: the
    // runtime may have lost them since, so nothing may be said of them yet. Nor is anything said of a
    // pod that has ended elsewhere.
    [[nodiscard]] bool status_known() const;
    // Nothing of the pod runs or may still run.
    [[nodiscard]] bool stopped() const;
    [[nodiscard]] bool initialized() const;
    [[nodiscard]] const WaitingReason* waiting(const std::string& container) const;
    // Whether an ended container is to be started again.
    [[nodiscard]] bool restarts(const ContainerSpec& container) const;
    [[nodiscard]] std::vector<PodEvent> take_events();
    // Stored with the next SaveMemory; decides nothing.
    void remember_condition(const std::string& type, ConditionRecord condition);
    // The pod has a new token: to be stored, and to be put into its volumes.
    void remember_token(const podspec::TokenTerms& terms, HeldToken token);

private:
    struct Crash {  // kubelet's back-off entry of one container.
        std::string spec_hash;
        Duration delay{};
        Instant updated;
    };
    struct Exit {  // When this process first saw an attempt ended; timestamps are for people.
        std::uint32_t attempt = 0;
        Instant seen;
    };
    struct Image {
        enum class Known : std::uint8_t { unknown, present, absent } known = Known::unknown;
        bool just_pulled = false;
        Duration delay{};  // Of the pull back-off.
        std::optional<Instant> failed_at;
        std::string error;
    };
    enum class ImageAnswer : std::uint8_t { ready, act, wait };

    Action save(Instant now);
    Action operate(Action operation);
    Action watch_in_flight();
    Action run(Now now);
    Action terminate(Now now);
    Action idle(Instant now) const;

    std::optional<Action> stop_strays(Instant now);
    std::optional<Action> stop_sandboxes(const ObservedSandbox* keep, Instant now);
    std::optional<Action> clean_up(Instant now);
    std::optional<Action> remove_everything(Instant now);
    std::optional<Action> start_container(const ContainerSpec& container, Now now);
    ImageAnswer ensure_image(const ContainerSpec& container, Now now, Action& action);
    void explain_missing_image(const ContainerSpec& container, const Image& image, Instant now);
    Action run_sandbox(Instant now);
    [[nodiscard]] bool too_many_dead_sandboxes() const;
    Action create_container(const ContainerSpec& container, Instant now);
    Action stop_containers(
        std::vector<StopContainers::Target> targets, Instant deadline, Instant now
    );

    void settle_elsewhere();
    void settle_final_state();
    void make_final(FinalState state);
    void check_active_deadline(Instant now);
    void count_active(Instant now);
    void note_exits(Instant now);

    [[nodiscard]] bool is_current(const ObservedContainer& container) const;
    [[nodiscard]] bool init_done(const ContainerSpec& container) const;
    [[nodiscard]] bool wants_start(const ContainerSpec& container) const;
    [[nodiscard]] std::vector<const ContainerSpec*> startable() const;
    [[nodiscard]] std::optional<Instant> crash_loop_ends(const std::string& name) const;
    [[nodiscard]] const ContainerRecord* record(std::string_view name) const;

    void pull_failed(const std::string& image, const Error& error, Instant now);
    void operation_failed(const Action& operation, const Error& error, Instant now);
    void operation_succeeded(const Action& operation);
    bool set_waiting(const std::string& container, std::string reason, std::string message);
    void emit(bool warning, std::string reason, std::string message, std::string container = {});

    PodIdentity identity_;
    PodSpecPtr spec_;
    PodMemory memory_;
    Observation observation_;

    bool desired_known_ = false;  // desire() was called at least once.
    bool looked_ = false;         // The runtime has answered at least once.
    bool stale_ = true;           // Something happened since the observation was made.
    bool dirty_ = false;          // Memory differs from the stored row.
    bool volumes_ready_ = false;
    bool volumes_removed_ = false;
    bool gone_reported_ = false;
    bool ended_elsewhere_ = false;

    std::optional<Action> in_flight_;
    std::optional<Instant> in_flight_deadline_;  // When a StopContainers turns to force.
    bool cancelling_ = false;

    std::uint32_t stored_sandbox_attempt_;
    std::optional<Instant> stop_deadline_;  // Set once the pod must end.
    std::map<std::string, Instant> stray_deadlines_;
    std::set<std::string> stopped_sandboxes_;
    std::optional<Instant> active_since_;

    std::map<std::string, Crash, std::less<>> crashes_;
    std::map<std::string, Exit, std::less<>> exits_;
    std::map<std::string, Image, std::less<>> images_;
    std::map<std::string, WaitingReason, std::less<>> waiting_;
    RetryTimers retries_;
    std::vector<PodEvent> events_;
};

}  // namespace farhold::pods
