// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_lifecycle.hpp"

#include "common/base/ensure.hpp"

#include <algorithm>
#include <utility>

namespace farhold::pods {

namespace {

bool alive(const ObservedContainer& container) {
    // What the runtime cannot tell may run.
    return container.state == ContainerState::running || container.state == ContainerState::unknown;
}

std::chrono::seconds remaining(Instant deadline, Instant now) {
    if (deadline <= now) {
        return std::chrono::seconds(0);
    }
    return std::chrono::ceil<std::chrono::seconds>(deadline - now);
}

}  // namespace

PodLifecycle::PodLifecycle(PodIdentity identity, PodMemory memory)
    : identity_(std::move(identity)),
      memory_(std::move(memory)),
      stored_sandbox_attempt_(memory_.next_sandbox_attempt) {
    memory_.ns = identity_.ns;
    memory_.name = identity_.name;
}

void PodLifecycle::desire(PodSpecPtr spec, Now now) {
    spec_ = std::move(spec);
    desired_known_ = true;
    retries_.hasten();
    if (spec_ != nullptr) {
        settle_elsewhere();
        memory_.grace = spec_->grace;
        if (!memory_.start_time) {
            memory_.start_time = now.wall;
        }
        if (!active_since_) {
            active_since_ = now.mono;
        }
    }
    if (spec_ == nullptr || spec_->deleting) {
        const auto grace =
            spec_ == nullptr ? memory_.grace : spec_->deletion_grace.value_or(spec_->grace);
        // The grace runs from when the end was first seen, and may only become shorter.
        const Instant deadline = now.mono + grace;
        stop_deadline_ = stop_deadline_ ? std::min(*stop_deadline_, deadline) : deadline;
    } else if (!memory_.final_state) {
        // Wanted (again): whatever was taken down is set up anew.
        if (stop_deadline_) {
            volumes_ready_ = false;
        }
        stop_deadline_.reset();
        volumes_removed_ = false;
        gone_reported_ = false;
    }
}

void PodLifecycle::settle_elsewhere() {
    if (ended_elsewhere_) memory_.final_state.reset();
    const bool is_known = memory_.final_state || !memory_.containers.empty() ||
                          memory_.next_sandbox_attempt != 0 || looked_;
    ended_elsewhere_ = !spec_->final_phase.empty() && (ended_elsewhere_ || !is_known);
    if (!ended_elsewhere_) return;
    memory_.final_state = FinalState{
        .phase = spec_->final_phase == "Succeeded" ? FinalPhase::succeeded : FinalPhase::failed,
        .reason = {},
        .message = {},
    };
}

void PodLifecycle::refuse(std::string reason, std::string message) {
    if (!memory_.containers.empty() || memory_.final_state) {
        return;
    }
    emit(true, reason, message);
    make_final({
        .phase = FinalPhase::failed,
        .reason = std::move(reason),
        .message = std::move(message),
    });
}

void PodLifecycle::references_changed() {
    volumes_ready_ = false;
    retries_.hasten();
}

void PodLifecycle::runtime_changed() {
    stale_ = true;
    retries_.succeeded("observe");
}

const ObservedSandbox* PodLifecycle::current_sandbox() const {
    const auto& sandboxes = observation_.sandboxes;
    const auto newest = std::ranges::max_element(sandboxes, {}, &ObservedSandbox::attempt);
    return newest != sandboxes.end() && newest->ready ? &*newest : nullptr;
}

bool PodLifecycle::terminating() const {
    return spec_ == nullptr || spec_->deleting || memory_.final_state.has_value();
}

bool PodLifecycle::status_known() const {
    return !ended_elsewhere_ && (looked_ || memory_.final_state || memory_.containers.empty());
}

bool PodLifecycle::stopped() const {
    return !stale_ && !in_flight_ && std::ranges::none_of(observation_.containers, alive) &&
           std::ranges::none_of(observation_.sandboxes, &ObservedSandbox::ready);
}

const WaitingReason* PodLifecycle::waiting(const std::string& container) const {
    const auto found = waiting_.find(container);
    return found == waiting_.end() ? nullptr : &found->second;
}

std::vector<PodEvent> PodLifecycle::take_events() {
    return std::exchange(events_, {});
}

bool PodLifecycle::restarts(const ContainerSpec& container) const {
    return !terminating() && wants_start(container);
}

void PodLifecycle::remember_condition(const std::string& type, ConditionRecord condition) {
    memory_.conditions.insert_or_assign(type, condition);
}

void PodLifecycle::remember_token(const podspec::TokenTerms& terms, HeldToken token) {
    memory_.tokens.insert_or_assign(terms, std::move(token));
    dirty_ = true;
    references_changed();
}

Action PodLifecycle::next(Now now) {
    check_active_deadline(now.mono);
    if (in_flight_) {
        return watch_in_flight();
    }
    if (!desired_known_) {
        return Wait{};
    }
    if (stale_) {
        if (!retries_.due("observe", now.mono)) {
            return idle(now.mono);
        }
        stale_ = false;  // Set again by whatever happens while the listing is under way.
        return operate(Observe{});
    }
    if (!terminating()) {
        settle_final_state();
    }
    // A removed pod's row is about to go; a failed save holds up nothing but the removal of what
    // it would have recorded.
    if (dirty_ && spec_ != nullptr && retries_.due("save", now.mono)) {
        return save(now.mono);
    }
    return terminating() ? terminate(now) : run(now);
}

Action PodLifecycle::save(Instant now) {
    count_active(now);
    dirty_ = false;  // Set again by what changes meanwhile, and by a failure.
    return operate(SaveMemory{});
}

Action PodLifecycle::operate(Action operation) {
    in_flight_ = operation;
    cancelling_ = false;
    return operation;
}

// Sandboxes and containers are never given up half-way: what a cancelled start leaves behind can
// be neither started nor removed (containerd 1.6).
Action PodLifecycle::watch_in_flight() {
    const bool stop_takes_too_long = std::holds_alternative<StopContainers>(*in_flight_) &&
                                     stop_deadline_ && in_flight_deadline_ &&
                                     *in_flight_deadline_ > *stop_deadline_;
    const bool pull_is_in_vain = std::holds_alternative<PullImage>(*in_flight_) && terminating();
    if ((stop_takes_too_long || pull_is_in_vain) && !cancelling_) {
        cancelling_ = true;
        return Cancel{};
    }
    return Wait{};
}

void PodLifecycle::observed(Result<Observation> observation, Now now) {
    ensure(in_flight_ && std::holds_alternative<Observe>(*in_flight_), "answers an Observe");
    in_flight_.reset();
    if (!observation) {
        stale_ = true;
        retries_.failed("observe", now.mono);
        return;
    }
    retries_.succeeded("observe");
    observation_ = std::move(*observation);
    looked_ = true;
    std::erase_if(stopped_sandboxes_, [&](const std::string& id) {
        return std::ranges::find(observation_.sandboxes, id, &ObservedSandbox::id) ==
               observation_.sandboxes.end();
    });
    dirty_ |= memory_.fold(observation_);
    if (ended_elsewhere_ && !memory_.containers.empty()) {  // It has run here after all.
        ended_elsewhere_ = false;
        memory_.final_state.reset();
    }
    note_exits(now.mono);
}

void PodLifecycle::note_exits(Instant now) {
    for (const auto& [name, record] : memory_.containers) {
        if (record.state != ContainerRecord::State::ended) {
            continue;
        }
        const auto [exit, fresh] = exits_.try_emplace(name, Exit{record.attempt, now});
        if (!fresh && exit->second.attempt != record.attempt) {
            exit->second = Exit{record.attempt, now};
        }
    }
}

void PodLifecycle::image_checked(const Result<bool>& present, Now now) {
    ensure(in_flight_ && std::holds_alternative<CheckImage>(*in_flight_), "answers a CheckImage");
    const std::string name = std::get<CheckImage>(*in_flight_).image;
    in_flight_.reset();
    if (!present) {
        retries_.failed("image:" + name, now.mono);
        return;
    }
    if (*present) {
        retries_.succeeded("image:" + name);
    }
    images_[name].known = *present ? Image::Known::present : Image::Known::absent;
}

void PodLifecycle::finished(const Result<void>& outcome, Now now) {
    ensure(in_flight_.has_value(), "answers an operation");
    const Action operation = std::move(*in_flight_);
    in_flight_.reset();
    in_flight_deadline_.reset();
    stale_ |= !std::holds_alternative<SaveMemory>(operation) &&
              !std::holds_alternative<PrepareVolumes>(operation) &&
              !std::holds_alternative<PullImage>(operation);
    if (outcome) {
        operation_succeeded(operation);
    } else if (outcome.error().code() != ErrorCode::cancelled) {
        operation_failed(operation, outcome.error(), now.mono);
    }
}

void PodLifecycle::configuration_failed(const Error& error, Now now) {
    ensure(
        in_flight_ && std::holds_alternative<CreateContainer>(*in_flight_),
        "answers a CreateContainer"
    );
    const std::string name = std::get<CreateContainer>(*in_flight_).name;
    in_flight_.reset();
    retries_.failed("create:" + name, now.mono);
    if (set_waiting(name, "CreateContainerConfigError", error.message())) {
        emit(true, "Failed", "Error: " + error.message(), name);
    }
}

void PodLifecycle::check_active_deadline(Instant now) {
    if (spec_ == nullptr || !spec_->active_deadline || memory_.final_state || !active_since_ ||
        memory_.active + (now - *active_since_) < *spec_->active_deadline) {
        return;
    }
    const std::string message = "Pod was active on the node longer than the specified deadline";
    emit(false, "DeadlineExceeded", message);
    make_final({
        .phase = FinalPhase::failed,
        .reason = "DeadlineExceeded",
        .message = message,
    });
}

void PodLifecycle::count_active(Instant now) {
    if (active_since_) {
        memory_.active += now - *active_since_;
        active_since_ = now;
    }
}

void PodLifecycle::make_final(FinalState state) {
    memory_.final_state = std::move(state);
    dirty_ = true;
}

// Stops what runs, then keeps or removes what is left.
Action PodLifecycle::terminate(Now now) {
    if (!stop_deadline_) {
        stop_deadline_ = now.mono + memory_.grace;
    }
    std::vector<StopContainers::Target> targets;
    for (const ObservedContainer& container : observation_.containers) {
        if (alive(container)) {
            targets.push_back({.container_id = container.id, .name = container.name});
        }
    }
    if (!targets.empty()) {
        return stop_containers(std::move(targets), *stop_deadline_, now.mono);
    }
    if (auto action = stop_sandboxes(nullptr, now.mono)) {
        return *action;
    }
    // A finished pod's dead containers stay as evidence until the pod is deleted.
    const bool leaves = spec_ == nullptr || spec_->deleting;
    if (!leaves || (spec_ != nullptr && dirty_)) {
        return idle(now.mono);
    }
    if (auto action = remove_everything(now.mono)) {
        return *action;
    }
    if (spec_ == nullptr) {
        return Forget{};
    }
    if (!gone_reported_) {
        return operate(ReportGone{});
    }
    return idle(now.mono);
}

// Null when nothing is left to remove.
std::optional<Action> PodLifecycle::remove_everything(Instant now) {
    for (const ObservedSandbox& sandbox : observation_.sandboxes) {
        if (retries_.due("remove:" + sandbox.id, now)) {
            return operate(RemoveSandbox{sandbox.id});
        }
    }
    for (const ObservedContainer& container : observation_.containers) {
        const bool orphan = std::ranges::none_of(observation_.sandboxes, [&](const auto& sandbox) {
            return sandbox.id == container.sandbox_id;
        });
        if (orphan && retries_.due("remove:" + container.id, now)) {
            return operate(RemoveContainer{container.id});
        }
    }
    if (!observation_.sandboxes.empty() || !observation_.containers.empty()) {
        return idle(now);
    }
    if (!volumes_removed_) {
        return retries_.due("unmount", now) ? operate(RemoveVolumes{}) : idle(now);
    }
    return std::nullopt;
}

// All sandboxes but the one to keep. Ready ones must be stopped before anything else happens; for
// dead ones stopping gives back the network, and its failure (CNI away) holds nothing up.
std::optional<Action> PodLifecycle::stop_sandboxes(const ObservedSandbox* keep, Instant now) {
    bool blocked = false;
    for (const ObservedSandbox& sandbox : observation_.sandboxes) {
        const bool is_stopped = !sandbox.ready && stopped_sandboxes_.contains(sandbox.id);
        if (&sandbox == keep || is_stopped) {
            continue;
        }
        if (retries_.due("stop:" + sandbox.id, now)) {
            return operate(StopSandbox{sandbox.id});
        }
        blocked |= sandbox.ready;
    }
    return blocked ? std::optional(idle(now)) : std::nullopt;
}

Action PodLifecycle::stop_containers(
    std::vector<StopContainers::Target> targets, Instant deadline, Instant now
) {
    if (!retries_.due("stop", now)) {
        return idle(now);
    }
    Action action = operate(StopContainers{std::move(targets), remaining(deadline, now)});
    in_flight_deadline_ = deadline;
    for (const auto& target : std::get<StopContainers>(action).targets) {
        emit(false, "Killing", "Stopping container " + target.name, target.name);
    }
    return action;
}

// The next moment at which next() may answer something else by itself.
Action PodLifecycle::idle(Instant now) const {
    std::optional<Instant> until = retries_.next(now);
    const auto consider = [&](Instant moment) {
        if (moment > now && (!until || moment < *until)) {
            until = moment;
        }
    };
    for (const auto& [name, crash] : crashes_) {
        if (const auto ends = crash_loop_ends(name)) {
            consider(*ends);
        }
    }
    for (const auto& [name, image] : images_) {
        if (image.failed_at) {
            consider(*image.failed_at + image.delay);
            consider(*image.failed_at + kPullErrorShown);
        }
    }
    if (spec_ != nullptr && spec_->active_deadline && active_since_ && !memory_.final_state) {
        consider(*active_since_ + (*spec_->active_deadline - memory_.active));
    }
    return Wait{until};
}

bool PodLifecycle::set_waiting(
    const std::string& container, std::string reason, std::string message
) {
    WaitingReason next{std::move(reason), std::move(message)};
    WaitingReason& current = waiting_[container];
    if (current == next) {
        return false;
    }
    current = std::move(next);
    return true;
}

void PodLifecycle::emit(
    bool warning, std::string reason, std::string message, std::string container
) {
    events_.push_back({
        .warning = warning,
        .reason = std::move(reason),
        .message = std::move(message),
        .container = std::move(container),
    });
}

}  // namespace farhold::pods
