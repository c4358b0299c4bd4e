// SPDX-License-Identifier: Apache-2.0
//
// Pure: what to do next for one pod uid, given what is wanted, what the runtime shows, what is
// remembered, and the time. The driver (pod_worker) and the simulation run the same loop:
//
//   action = lifecycle.next(now); carry it out; report the outcome; again.
//
// Three rules keep a pod from ever running twice:
//  1. One operation in flight at a time.
//  2. After every operation, whatever its outcome, the next action is Observe: a complete listing.
//     An operation that timed out may still take effect later.
//  3. An attempt number is used again until the runtime was seen to hold it; the runtime reserves
//     the name (pod uid, attempt), so a late first start and its repetition cannot both succeed.
// Only Instant decides; the wall clock is carried for people.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "edgecore/pods/pod_memory.hpp"
#include "edgecore/pods/retry_timers.hpp"
#include "edgecore/podspec/pod_spec.hpp"

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

// Operations: each is answered by exactly one of observed(), image_checked() and finished().
struct Observe {};      // List this uid's sandboxes and containers -> observed().
struct SaveMemory {};   // Commit memory() and the durable status report in one transaction.
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
struct ReportGone {};     // Commit the durable report that nothing is left.

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
    // Nothing of the pod runs or may still run.
    [[nodiscard]] bool stopped() const;
    [[nodiscard]] bool initialized() const;
    [[nodiscard]] const WaitingReason* waiting(const std::string& container) const;
    [[nodiscard]] std::vector<PodEvent> take_events();

private:
    struct Crash {  // kubelet's back-off entry of one container.
        Duration delay{};
        Instant updated;
    };

    Action operate(Action operation);
    std::optional<Action> finish_in_flight(Instant now);

    Action run(Now now);
    Action terminate(Now now);
    Action idle(Instant now);

    std::optional<Action> stop_strays(Instant now);
    std::optional<Action> stop_old_sandboxes(Instant now, bool all);
    std::optional<Action> clean_up(Instant now);
    std::optional<Action> remove_everything(Instant now);
    std::optional<Action> start_container(const ContainerSpec& container, Now now);
    std::optional<Action> ensure_image(const ContainerSpec& container, Instant now);

    std::optional<Action> stop(
        std::vector<StopContainers::Target> targets, std::optional<Instant> deadline, Instant now
    );
    void settle_final_state();
    void check_deadline(Instant now);
    void sync_active(Instant now);

    [[nodiscard]] bool wants_start(const ContainerSpec& container) const;
    [[nodiscard]] bool crash_looping(const ContainerSpec& container, Instant now);
    [[nodiscard]] std::vector<const ContainerSpec*> startable() const;
    [[nodiscard]] const ObservedContainer* newest(const std::string& name) const;
    [[nodiscard]] std::uint32_t next_attempt(const std::string& name) const;

    void failed_image(const Error& error, Instant now);
    void failed_operation(const Error& error, Now now);
    void succeeded_operation(Now now);
    void set_waiting(const std::string& container, std::string reason, std::string message);
    void emit(bool warning, std::string reason, std::string message, std::string container = {});

    PodIdentity identity_;
    PodSpecPtr spec_;
    PodMemory memory_;
    Observation observation_;

    bool desired_known_ = false;  // desire() was called at least once.
    bool stale_ = true;           // The observation is older than the last thing that happened.
    bool dirty_ = false;          // Memory differs from the stored row.
    bool volumes_ready_ = false;
    bool volumes_removed_ = false;
    bool gone_reported_ = false;
    bool cancelling_ = false;
    std::optional<Action> in_flight_;
    std::optional<Instant> in_flight_deadline_;  // When a StopContainers ends at the latest.

    std::uint32_t next_sandbox_attempt_ = 0;
    std::optional<Instant> stop_deadline_;  // Set once the pod must end.
    std::map<std::string, Instant> stray_deadlines_;
    std::set<std::string> stopped_sandboxes_;
    std::optional<Instant> active_since_;

    std::map<std::string, Crash> crashes_;
    std::map<std::string, Instant> exit_seen_;
    std::map<std::string, Instant> pull_failed_at_;
    std::string ready_image_;  // Checked or pulled for the container created next.
    std::map<std::string, WaitingReason> waiting_;
    RetryTimers retries_;
    std::vector<PodEvent> events_;
};

}  // namespace farhold::pods
