// SPDX-License-Identifier: Apache-2.0
//
// The half of the life cycle that brings a pod up and keeps it up.
#include "edgecore/pods/pod_lifecycle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::pods {

using podspec::PullPolicy;
using podspec::RestartPolicy;

namespace {

constexpr Duration kCrashFirst = std::chrono::seconds(10);
constexpr Duration kCrashLast = std::chrono::seconds(300);
// A container (or a registry) that was well for this long starts again at the first delay.
constexpr Duration kCrashForgotten = 2 * kCrashLast;

// "10s", "1m20s", as Go prints durations.
std::string go_duration(Duration duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    return seconds < 60 ? fmt::format("{}s", seconds)
                        : fmt::format("{}m{}s", seconds / 60, seconds % 60);
}

Duration grown(Duration delay) {
    return std::clamp(delay * 2, kCrashFirst, kCrashLast);
}

}  // namespace

const ContainerRecord* PodLifecycle::record(std::string_view name) const {
    const auto found = memory_.containers.find(name);
    return found == memory_.containers.end() ? nullptr : &found->second;
}

Action PodLifecycle::run(Now now) {
    if (auto action = stop_strays(now.mono)) {
        return *action;
    }
    if (auto action = stop_sandboxes(current_sandbox(), now.mono)) {
        return *action;
    }
    if (auto action = clean_up(now.mono)) {
        return *action;
    }
    if (!volumes_ready_) {
        return retries_.due("volumes", now.mono) ? operate(PrepareVolumes{}) : idle(now.mono);
    }
    const auto wanted = startable();
    if (wanted.empty()) {
        return idle(now.mono);
    }
    if (current_sandbox() == nullptr) {
        return run_sandbox(now.mono);
    }
    for (const ContainerSpec* container : wanted) {
        if (auto action = start_container(*container, now)) {
            return *action;
        }
    }
    return idle(now.mono);
}

bool PodLifecycle::too_many_dead_sandboxes() const {
    const auto dead =
        std::ranges::count_if(observation_.sandboxes, [&](const ObservedSandbox& sandbox) {
            return !sandbox.ready && !stopped_sandboxes_.contains(sandbox.id);
        });
    return std::cmp_greater_equal(dead, kDeadSandboxesMax);
}

Action PodLifecycle::run_sandbox(Instant now) {
    if (too_many_dead_sandboxes()) {
        return idle(now);  // Each is tried again by and by.
    }
    if (memory_.next_sandbox_attempt != stored_sandbox_attempt_) {
        dirty_ = true;
        return retries_.due("save", now) ? save(now) : idle(now);
    }
    return retries_.due("sandbox", now) ? operate(RunSandbox{memory_.next_sandbox_attempt})
                                        : idle(now);
}

// Whether this is the one instance of its name that may exist.
bool PodLifecycle::is_current(const ObservedContainer& container) const {
    const ContainerSpec* spec = spec_->find_container(container.name);
    const ContainerRecord* known = record(container.name);
    const ObservedSandbox* sandbox = current_sandbox();
    return spec != nullptr && known != nullptr && sandbox != nullptr &&
           container.sandbox_id == sandbox->id && container.id == known->container_id &&
           known->state != ContainerRecord::State::ended &&
           container.state != ContainerState::unknown &&
           (container.spec_hash.empty() || container.spec_hash == spec->hash);
}

// Containers that run or may be started but must not: of a sandbox that died, of a spec that
// changed, or in a state the runtime cannot tell. Nothing is started while one of them may run.
std::optional<Action> PodLifecycle::stop_strays(Instant now) {
    std::vector<StopContainers::Target> targets;
    Instant deadline = now;
    std::map<std::string, Instant> deadlines;
    for (const ObservedContainer& container : observation_.containers) {
        if (container.state == ContainerState::exited || is_current(container)) {
            continue;
        }
        if (container.state == ContainerState::created) {
            if (retries_.due("remove:" + container.id, now)) {
                return operate(RemoveContainer{container.id});
            }
            continue;
        }
        const auto known = stray_deadlines_.find(container.id);
        const Instant own = known != stray_deadlines_.end() ? known->second : now + spec_->grace;
        deadlines.emplace(container.id, own);
        deadline = std::max(deadline, own);
        targets.push_back({.container_id = container.id, .name = container.name});
    }
    stray_deadlines_ = std::move(deadlines);
    if (targets.empty()) {
        return std::nullopt;
    }
    return stop_containers(std::move(targets), deadline, now);
}

// Dead sandboxes, and all but the last dead container of each name. Only what is remembered safely
// is removed, and no failure here holds up the living.
std::optional<Action> PodLifecycle::clean_up(Instant now) {
    if (dirty_) {
        return std::nullopt;
    }
    const ObservedSandbox* current = current_sandbox();
    for (const ObservedSandbox& sandbox : observation_.sandboxes) {
        if (&sandbox != current && stopped_sandboxes_.contains(sandbox.id) &&
            retries_.due("remove:" + sandbox.id, now)) {
            return operate(RemoveSandbox{sandbox.id});
        }
    }
    for (const ObservedContainer& container : observation_.containers) {
        const bool superseded =
            container.state == ContainerState::exited &&
            std::ranges::any_of(observation_.containers, [&](const auto& other) {
                return other.name == container.name && other.attempt > container.attempt &&
                       other.state == ContainerState::exited;
            });
        if (superseded && retries_.due("remove:" + container.id, now)) {
            return operate(RemoveContainer{container.id});
        }
    }
    return std::nullopt;
}

// Init containers run once in each sandbox.
bool PodLifecycle::init_done(const ContainerSpec& container) const {
    const ContainerRecord* known = record(container.name);
    if (known == nullptr || !known->ended || known->ended->exit_code != 0) {
        return false;
    }
    const ObservedSandbox* sandbox = current_sandbox();
    return memory_.final_state || (sandbox != nullptr && known->sandbox_id == sandbox->id);
}

bool PodLifecycle::initialized() const {
    if (spec_ == nullptr || spec_->init_containers.empty()) {
        return true;
    }
    const ObservedSandbox* sandbox = current_sandbox();
    const bool app_container_ran =
        sandbox != nullptr && std::ranges::any_of(spec_->containers, [&](const auto& container) {
            const ContainerRecord* known = record(container.name);
            return known != nullptr && known->sandbox_id == sandbox->id;
        });
    return app_container_ran ||
           std::ranges::all_of(spec_->init_containers, [&](const auto& container) {
               return init_done(container);
           });
}

bool PodLifecycle::wants_start(const ContainerSpec& container) const {
    const ContainerRecord* known = record(container.name);
    if (known == nullptr || known->state == ContainerRecord::State::created) {
        return true;
    }
    if (known->state == ContainerRecord::State::running) {
        return false;
    }
    switch (spec_->restart_policy) {
        case RestartPolicy::always:
            return true;
        case RestartPolicy::on_failure:
            return known->ended->exit_code != 0;
        case RestartPolicy::never:
            return false;
    }
    return false;
}

std::vector<const ContainerSpec*> PodLifecycle::startable() const {
    std::vector<const ContainerSpec*> result;
    if (!initialized()) {
        for (const ContainerSpec& container : spec_->init_containers) {
            if (!init_done(container)) {
                const ContainerRecord* known = record(container.name);
                if (known == nullptr || known->state != ContainerRecord::State::running) {
                    result.push_back(&container);
                }
                return result;
            }
        }
    }
    for (const ContainerSpec& container : spec_->containers) {
        if (wants_start(container)) {
            result.push_back(&container);
        }
    }
    return result;
}

// Decides that the pod is over for good: all containers ended and none is to be started again.
void PodLifecycle::settle_final_state() {
    if (memory_.final_state || spec_->restart_policy == RestartPolicy::always) {
        return;
    }
    const bool never = spec_->restart_policy == RestartPolicy::never;
    const auto ended_badly = [&](const ContainerSpec& container) {
        const ContainerRecord* known = record(container.name);
        return known != nullptr && known->ended && known->ended->exit_code != 0;
    };
    if (never && std::ranges::any_of(spec_->init_containers, ended_badly)) {
        make_final({.phase = FinalPhase::failed, .reason = "", .message = ""});
        return;
    }
    // A pod that must not restart does not begin anew in a second sandbox, as in kubelet.
    const bool sandbox_lost = never && current_sandbox() == nullptr &&
                              !memory_.containers.empty() &&
                              std::ranges::none_of(memory_.containers, [](const auto& entry) {
                                  return entry.second.state == ContainerRecord::State::running;
                              });
    const bool over = std::ranges::all_of(spec_->containers, [&](const auto& container) {
        const ContainerRecord* known = record(container.name);
        return known != nullptr && known->ended && !wants_start(container);
    });
    if (over || sandbox_lost) {
        const bool failed = !over || std::ranges::any_of(spec_->containers, ended_badly);
        make_final({
            .phase = failed ? FinalPhase::failed : FinalPhase::succeeded,
            .reason = "",
            .message = "",
        });
    }
}

std::optional<Instant> PodLifecycle::crash_loop_ends(const std::string& name) const {
    const auto crash = crashes_.find(name);
    const auto exit = exits_.find(name);
    const ContainerRecord* known = record(name);
    if (crash == crashes_.end() || exit == exits_.end() || known == nullptr || !known->ended ||
        exit->second.seen - crash->second.updated > kCrashForgotten) {
        return std::nullopt;
    }
    return exit->second.seen + crash->second.delay;
}

std::optional<Action> PodLifecycle::start_container(const ContainerSpec& container, Now now) {
    const std::string& name = container.name;
    for (const ObservedContainer& seen : observation_.containers) {
        if (seen.name == name && seen.state == ContainerState::created && is_current(seen)) {
            return retries_.due("start:" + name, now.mono)
                       ? std::optional<Action>(operate(StartContainer{seen.id, name}))
                       : std::nullopt;
        }
    }
    if (const auto crash = crashes_.find(name);
        crash != crashes_.end() && crash->second.spec_hash != container.hash) {
        crashes_.erase(crash);  // Another image deserves a fresh start.
    }
    if (const auto ends = crash_loop_ends(name); ends && *ends > now.mono) {
        const std::string title = podspec::pod_title(identity_);
        std::string message = fmt::format(
            "back-off {} restarting failed container={} pod={}",
            go_duration(crashes_.find(name)->second.delay), name, title
        );
        if (set_waiting(name, "CrashLoopBackOff", std::move(message))) {
            emit(
                true, "BackOff",
                fmt::format("Back-off restarting failed container {} in pod {}", name, title), name
            );
        }
        return std::nullopt;
    }
    if (!retries_.due("create:" + name, now.mono)) {
        return std::nullopt;
    }
    Action action;
    switch (ensure_image(container, now, action)) {
        case ImageAnswer::ready:
            return create_container(container, now.mono);
        case ImageAnswer::act:
            return action;
        case ImageAnswer::wait:
            break;
    }
    return std::nullopt;
}

Action PodLifecycle::create_container(const ContainerSpec& container, Instant now) {
    const ContainerRecord* known = record(container.name);
    std::uint32_t attempt = 0;
    if (known != nullptr) {
        attempt = known->ended ? known->attempt + 1 : known->attempt;
    }
    if (known != nullptr && known->ended) {
        // Kubelet's rule: the first restart is immediate, each later one waits twice as long,
        // counted from the exit, until the container stayed up for ten minutes.
        Crash& crash = crashes_[container.name];
        const bool forgotten =
            exits_.find(container.name)->second.seen - crash.updated > kCrashForgotten;
        crash.delay = forgotten ? kCrashFirst : grown(crash.delay);
        crash.spec_hash = container.hash;
        crash.updated = now;
    }
    Image& image = images_[container.image];
    if (!std::exchange(image.just_pulled, false)) {
        emit(
            false, "Pulled",
            fmt::format("Container image \"{}\" already present on machine", container.image),
            container.name
        );
    }
    image.known = Image::Known::unknown;  // It may be gone by the next time.
    return operate(CreateContainer{current_sandbox()->id, container.name, attempt});
}

// The pull policy. `always` falls back to the image on the machine while the registry cannot be
// reached: a machine that is cut off must be able to restart what it ran before.
PodLifecycle::ImageAnswer PodLifecycle::ensure_image(
    const ContainerSpec& container, Now now, Action& action
) {
    const std::string& name = container.image;
    Image& image = images_[name];
    const bool may_pull = container.pull_policy != PullPolicy::never &&
                          (!image.failed_at || now.mono >= *image.failed_at + image.delay);
    const bool pull_first = container.pull_policy == PullPolicy::always && may_pull;
    if (image.known == Image::Known::present && (image.just_pulled || !pull_first)) {
        return ImageAnswer::ready;
    }
    if (image.known == Image::Known::unknown && !pull_first &&
        retries_.due("image:" + name, now.mono)) {
        action = operate(CheckImage{name});
        return ImageAnswer::act;
    }
    if (pull_first || (may_pull && image.known == Image::Known::absent)) {
        emit(false, "Pulling", fmt::format("Pulling image \"{}\"", name), container.name);
        action = operate(PullImage{name});
        return ImageAnswer::act;
    }
    if (image.known == Image::Known::absent) {
        // Look again now and then: somebody may import it by hand.
        image.known = Image::Known::unknown;
        retries_.failed("image:" + name, now.mono);
    }
    explain_missing_image(container, image, now.mono);
    return ImageAnswer::wait;
}

void PodLifecycle::explain_missing_image(
    const ContainerSpec& container, const Image& image, Instant now
) {
    if (container.pull_policy == PullPolicy::never) {
        const std::string message = fmt::format(
            "Container image \"{}\" is not present with pull policy of Never", container.image
        );
        if (set_waiting(container.name, "ErrImageNeverPull", message)) {
            emit(true, "ErrImageNeverPull", message, container.name);
            emit(true, "Failed", "Error: ErrImageNeverPull", container.name);
        }
    } else if (image.failed_at && now < *image.failed_at + kPullErrorShown) {
        set_waiting(container.name, "ErrImagePull", image.error);
    } else if (image.failed_at) {
        const std::string message = fmt::format("Back-off pulling image \"{}\"", container.image);
        if (set_waiting(container.name, "ImagePullBackOff", message)) {
            emit(false, "BackOff", message, container.name);
            emit(true, "Failed", "Error: ImagePullBackOff", container.name);
        }
    }
}

void PodLifecycle::pull_failed(const std::string& name, const Error& error, Instant now) {
    Image& image = images_[name];
    const bool forgotten = !image.failed_at || now - *image.failed_at > kCrashForgotten;
    image.delay = forgotten ? kCrashFirst : grown(image.delay);
    image.failed_at = now;
    image.error = error.message();
    image.known = Image::Known::unknown;  // Absent, or there and good enough: look.
    emit(true, "Failed", fmt::format("Failed to pull image \"{}\": {}", name, error.message()));
    emit(true, "Failed", "Error: ErrImagePull");
}

void PodLifecycle::operation_succeeded(const Action& operation) {
    if (std::holds_alternative<SaveMemory>(operation)) {
        stored_sandbox_attempt_ = memory_.next_sandbox_attempt;
        retries_.succeeded("save");
    } else if (std::holds_alternative<PrepareVolumes>(operation)) {
        volumes_ready_ = true;
        retries_.succeeded("volumes");
    } else if (const auto* pull = std::get_if<PullImage>(&operation)) {
        images_[pull->image] = {
            .known = Image::Known::present,
            .just_pulled = true,
            .delay = {},
            .failed_at = std::nullopt,
            .error = {},
        };
        emit(false, "Pulled", fmt::format("Successfully pulled image \"{}\"", pull->image));
    } else if (std::holds_alternative<RunSandbox>(operation)) {
        retries_.succeeded("sandbox");
    } else if (const auto* create = std::get_if<CreateContainer>(&operation)) {
        retries_.succeeded("create:" + create->name);
        waiting_.erase(create->name);
        emit(false, "Created", "Created container: " + create->name, create->name);
    } else if (const auto* start = std::get_if<StartContainer>(&operation)) {
        retries_.succeeded("start:" + start->name);
        waiting_.erase(start->name);
        emit(false, "Started", "Started container " + start->name, start->name);
    } else if (std::holds_alternative<StopContainers>(operation)) {
        retries_.succeeded("stop");
    } else if (const auto* stop = std::get_if<StopSandbox>(&operation)) {
        retries_.succeeded("stop:" + stop->sandbox_id);
        stopped_sandboxes_.insert(stop->sandbox_id);
    } else if (const auto* sandbox = std::get_if<RemoveSandbox>(&operation)) {
        retries_.succeeded("remove:" + sandbox->sandbox_id);
        stopped_sandboxes_.erase(sandbox->sandbox_id);
    } else if (const auto* container = std::get_if<RemoveContainer>(&operation)) {
        retries_.succeeded("remove:" + container->container_id);
    } else if (std::holds_alternative<RemoveVolumes>(operation)) {
        volumes_removed_ = true;
        volumes_ready_ = false;
        retries_.succeeded("unmount");
    } else if (std::holds_alternative<ReportGone>(operation)) {
        gone_reported_ = true;
    }
}

void PodLifecycle::operation_failed(const Action& operation, const Error& error, Instant now) {
    const std::string& text = error.message();
    if (std::holds_alternative<SaveMemory>(operation)) {
        dirty_ = true;
        retries_.failed("save", now);
    } else if (std::holds_alternative<PrepareVolumes>(operation)) {
        retries_.failed("volumes", now);
        emit(true, "FailedMount", text);
    } else if (const auto* pull = std::get_if<PullImage>(&operation)) {
        pull_failed(pull->image, error, now);
    } else if (std::holds_alternative<RunSandbox>(operation)) {
        retries_.failed("sandbox", now);
        emit(true, "FailedCreatePodSandBox", "Failed to create pod sandbox: " + text);
    } else if (const auto* create = std::get_if<CreateContainer>(&operation)) {
        retries_.failed("create:" + create->name, now);
        set_waiting(create->name, "CreateContainerError", text);
        emit(true, "Failed", "Error: " + text, create->name);
    } else if (const auto* start = std::get_if<StartContainer>(&operation)) {
        retries_.failed("start:" + start->name, now);
        set_waiting(start->name, "RunContainerError", text);
        emit(true, "Failed", "Error: " + text, start->name);
    } else if (std::holds_alternative<StopContainers>(operation)) {
        retries_.failed("stop", now);
        emit(true, "FailedKillPod", "error killing pod: " + text);
    } else if (const auto* stop = std::get_if<StopSandbox>(&operation)) {
        retries_.failed("stop:" + stop->sandbox_id, now);
    } else if (const auto* sandbox = std::get_if<RemoveSandbox>(&operation)) {
        retries_.failed("remove:" + sandbox->sandbox_id, now);
    } else if (const auto* container = std::get_if<RemoveContainer>(&operation)) {
        retries_.failed("remove:" + container->container_id, now);
    } else if (std::holds_alternative<RemoveVolumes>(operation)) {
        retries_.failed("unmount", now);
    }
}

}  // namespace farhold::pods
