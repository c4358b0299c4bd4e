// SPDX-License-Identifier: Apache-2.0
#include "sim_runtime.hpp"

#include "invariants.hpp"

#include <algorithm>

namespace farhold::simulation {
namespace {

using namespace std::chrono_literals;
using pods::ContainerState;

// The name that containerd reserves for what the action makes, or empty.
std::string name_of(const std::string& uid, const pods::Action& action) {
    if (const auto* run = std::get_if<pods::RunSandbox>(&action)) {
        return fmt::format("{}/{}", uid, run->attempt);
    }
    if (const auto* create = std::get_if<pods::CreateContainer>(&action)) {
        return fmt::format("{}/{}/{}", uid, create->name, create->attempt);
    }
    return {};
}

pods::ObservedContainer* find(pods::Observation& pod, const std::string& id) {
    const auto found = std::ranges::find(pod.containers, id, &pods::ObservedContainer::id);
    return found == pod.containers.end() ? nullptr : &*found;
}

}  // namespace

bool SimRuntime::reserved(const std::string& uid, const pods::Action& action) const {
    const std::string name = name_of(uid, action);
    if (name.empty()) {
        return false;
    }
    if (reserved_.contains(name)) {
        return true;
    }
    const auto pod = pods_.find(uid);
    if (pod == pods_.end()) {
        return false;
    }
    if (const auto* run = std::get_if<pods::RunSandbox>(&action)) {
        return std::ranges::any_of(pod->second.sandboxes, [run](const auto& sandbox) {
            return sandbox.attempt == run->attempt;
        });
    }
    const auto& create = std::get<pods::CreateContainer>(action);
    return std::ranges::any_of(pod->second.containers, [&create](const auto& container) {
        return container.name == create.name && container.attempt == create.attempt;
    });
}

void SimRuntime::operate(
    const podspec::PodIdentity& pod, const pods::Action& action, const std::string& spec_hash,
    WallTime wall, Done done
) {
    identities_.insert_or_assign(pod.uid, pod);
    const Duration quick = world_.between(5ms, 200ms);
    const std::uint64_t era = era_;
    if (world_.now() < away_until_ || world_.happens(world_.faults.operation_fails)) {
        world_.queue.after(quick, [done = std::move(done)] {
            done(fail(ErrorCode::unavailable, "the runtime does not answer"));
        });
        return;
    }
    const auto carry_out = [this, pod, action, spec_hash, wall, era] {
        return era == era_ ? apply(pod, action, spec_hash, wall)
                           : fail(ErrorCode::unavailable, "the runtime was restarted");
    };
    if (world_.happens(world_.faults.operation_late)) {
        if (reserved(pod.uid, action)) {
            world_.queue.after(quick, [done] {
                done(fail(ErrorCode::already_exists, "reserved"));
            });
            return;
        }
        const std::string name = name_of(pod.uid, action);
        reserved_.insert(name);
        world_.queue.after(world_.between(1s, 90s), [this, carry_out, name, era] {
            if (era == era_) {
                reserved_.erase(name);
                static_cast<void>(carry_out());
            }
        });
        world_.queue.after(500ms, [done] { done(fail(ErrorCode::deadline, "timed out")); });
        return;
    }
    const bool lost = world_.happens(world_.faults.answer_lost);
    world_.queue.after(quick, [carry_out, lost, done = std::move(done)] {
        const Result<void> outcome = carry_out();
        done(lost ? fail(ErrorCode::deadline, "timed out") : outcome);
    });
}

void SimRuntime::list(std::function<void(Result<std::map<std::string, pods::Observation>>)> done) {
    world_.queue.after(world_.between(1ms, 20ms), [this, done = std::move(done)] {
        if (world_.now() < away_until_ || world_.happens(world_.faults.operation_fails)) {
            done(fail(ErrorCode::unavailable, "the runtime does not answer"));
        } else {
            done(pods_);
        }
    });
}

Result<void> SimRuntime::apply(
    const podspec::PodIdentity& pod, const pods::Action& action, const std::string& spec_hash,
    WallTime wall
) {
    const std::string& uid = pod.uid;
    pods::Observation& state = pods_[uid];
    Result<void> outcome;
    if (const auto* run = std::get_if<pods::RunSandbox>(&action)) {
        outcome = run_sandbox(uid, *run);
    } else if (const auto* making = std::get_if<pods::CreateContainer>(&action)) {
        outcome = create(uid, *making, spec_hash);
    } else if (const auto* starting = std::get_if<pods::StartContainer>(&action)) {
        outcome = start(uid, *starting, wall);
    } else if (const auto* stop = std::get_if<pods::StopContainers>(&action)) {
        for (const auto& target : stop->targets) {
            pods::ObservedContainer* container = find(state, target.container_id);
            if (container != nullptr && container->state != ContainerState::exited) {
                check_stop(world_, node_, uid, state, *container);
                end_container(*container, 143, wall);
            }
        }
    } else if (const auto* remove = std::get_if<pods::RemoveContainer>(&action)) {
        std::erase_if(state.containers, [&](const auto& one) {
            return one.id == remove->container_id;
        });
    } else if (const auto* stop_sandbox = std::get_if<pods::StopSandbox>(&action)) {
        for (pods::ObservedContainer& container : state.containers) {
            if (container.sandbox_id == stop_sandbox->sandbox_id &&
                container.state == ContainerState::running) {
                check_stop(world_, node_, uid, state, container);
                end_container(container, 137, wall);
            }
        }
        for (pods::ObservedSandbox& sandbox : state.sandboxes) {
            sandbox.ready = sandbox.ready && sandbox.id != stop_sandbox->sandbox_id;
        }
    } else if (const auto* remove_sandbox = std::get_if<pods::RemoveSandbox>(&action)) {
        std::erase_if(state.sandboxes, [&](const auto& one) {
            return one.id == remove_sandbox->sandbox_id;
        });
        std::erase_if(state.containers, [&](const auto& one) {
            return one.sandbox_id == remove_sandbox->sandbox_id;
        });
    }
    check_single_instance(world_, node_, uid, state);
    if (state.sandboxes.empty() && state.containers.empty()) {
        pods_.erase(uid);
    }
    changed();
    return outcome;
}

Result<void> SimRuntime::run_sandbox(const std::string& uid, const pods::RunSandbox& run) {
    if (reserved(uid, pods::Action(run))) {
        return fail(ErrorCode::already_exists, "failed to reserve sandbox name");
    }
    pods::ObservedSandbox sandbox;
    sandbox.id = fmt::format("s{}", ++ids_);
    sandbox.attempt = run.attempt;
    sandbox.ready = true;
    sandbox.ip = "10.0.0.1";
    pods_[uid].sandboxes.push_back(std::move(sandbox));
    return {};
}

Result<void> SimRuntime::create(
    const std::string& uid, const pods::CreateContainer& create, const std::string& spec_hash
) {
    if (reserved(uid, pods::Action(create))) {
        return fail(ErrorCode::already_exists, "failed to reserve container name");
    }
    pods::Observation& pod = pods_[uid];
    const auto sandbox =
        std::ranges::find(pod.sandboxes, create.sandbox_id, &pods::ObservedSandbox::id);
    if (sandbox == pod.sandboxes.end() || !sandbox->ready) {
        return fail(ErrorCode::not_found, "no such sandbox");
    }
    pods::ObservedContainer container;
    container.id = fmt::format("c{}", ++ids_);
    container.sandbox_id = create.sandbox_id;
    container.name = create.name;
    container.attempt = create.attempt;
    container.spec_hash = spec_hash;
    pod.containers.push_back(std::move(container));
    return {};
}

Result<void> SimRuntime::start(
    const std::string& uid, const pods::StartContainer& start, WallTime wall
) {
    pods::ObservedContainer* container = find(pods_[uid], start.container_id);
    if (container == nullptr || container->state != ContainerState::created) {
        return fail(ErrorCode::invalid_argument, "the container cannot be started");
    }
    container->state = ContainerState::running;
    container->started_at = wall;
    if (const Duration lifetime = habits_[uid].lifetime; lifetime > Duration{}) {
        const std::string id = container->id;
        world_.queue.after(lifetime, [this, uid, id, wall, lifetime] {
            const auto pod = pods_.find(uid);
            pods::ObservedContainer* ending = pod == pods_.end() ? nullptr : find(pod->second, id);
            if (ending != nullptr && ending->state == ContainerState::running) {
                end_container(*ending, 0, wall + lifetime);
                changed();
            }
        });
    }
    return {};
}

void SimRuntime::end_container(
    pods::ObservedContainer& container, std::int32_t code, WallTime wall
) {
    container.state = ContainerState::exited;
    container.exit_code = code;
    container.reason = code == 0 ? "Completed" : "Error";
    container.finished_at = wall;
}

void SimRuntime::crash_container(WallTime wall) {
    std::vector<pods::ObservedContainer*> running;
    for (auto& [uid, pod] : pods_) {
        for (pods::ObservedContainer& container : pod.containers) {
            if (container.state == ContainerState::running) {
                running.push_back(&container);
            }
        }
    }
    if (!running.empty()) {
        pods::ObservedContainer& victim = *running[world_.random.between(0, running.size() - 1)];
        world_.note("{} container {} crashes", node_, victim.id);
        end_container(victim, 1, wall);
        changed();
    }
}

void SimRuntime::wipe() {
    world_.note("{} runtime wiped", node_);
    ++era_;
    pods_.clear();
    reserved_.clear();
    changed();
}

void SimRuntime::reboot(WallTime wall) {
    ++era_;
    reserved_.clear();
    for (auto& [uid, pod] : pods_) {
        for (pods::ObservedSandbox& sandbox : pod.sandboxes) {
            sandbox.ready = false;
        }
        for (pods::ObservedContainer& container : pod.containers) {
            if (container.state == ContainerState::running) {
                end_container(container, 255, wall);
            }
        }
    }
}

void SimRuntime::changed() {
    if (changed_) {
        world_.queue.after(world_.between(1ms, 50ms), [this] {
            if (changed_) {
                changed_();
            }
        });
    }
}

}  // namespace farhold::simulation
