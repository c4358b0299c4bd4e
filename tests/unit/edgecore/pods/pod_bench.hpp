// SPDX-License-Identifier: Apache-2.0
//
// One pod's life cycle on a bench: a runtime, a store row and clocks, all simulated and driven by
// hand. The runtime reserves names as containerd does, and can fail, lose or delay any operation.
#pragma once

#include "common/base/ensure.hpp"
#include "common/json/value.hpp"
#include "edgecore/pods/pod_lifecycle.hpp"
#include "edgecore/podspec/pod_spec.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::pods::test {

using namespace std::chrono_literals;

inline PodSpecPtr make_spec(std::string_view text, std::string uid = "uid-1") {
    const auto json = json::Value::parse(text);
    ensure(json.has_value(), "the test's pod is JSON");
    auto spec = podspec::parse_pod(*json, std::move(uid));
    ensure(spec.has_value(), "the test's pod parses");
    return std::make_shared<const podspec::PodSpec>(std::move(*spec));
}

// A pod of one container "main" with image img:1.
inline std::string pod_json(
    std::string_view extra_spec = "", std::string_view extra_metadata = "",
    std::string_view image = "img:1"
) {
    return std::string(R"({"metadata":{"name":"hello","namespace":"default")") +
           std::string(extra_metadata) + R"(},"spec":{"terminationGracePeriodSeconds":5)" +
           std::string(extra_spec) + R"(,"containers":[{"name":"main","image":")" +
           std::string(image) + R"("}]}})";
}

class Bench {
public:
    enum class Fault { none, fail, lost_answer, delayed };

    struct Container : ObservedContainer {
        std::int64_t ends_after = -1;  // Ticks of the virtual second hand; -1: never.
    };

    explicit Bench(PodMemory memory = {})
        : lifecycle(PodIdentity{"default", "hello", "uid-1"}, std::move(memory)) {}

    Now now() const { return Now{.mono = mono, .wall = wall}; }

    void advance(Duration duration) {
        mono += duration;
        wall += duration;
        late();
    }

    // One action. Answers it unless it is Wait, Cancel or Forget.
    Action step() {
        Action action = lifecycle.next(now());
        log.push_back(action);
        if (std::holds_alternative<Wait>(action) || std::holds_alternative<Cancel>(action) ||
            std::holds_alternative<Forget>(action)) {
            return action;
        }
        const Fault fault = faults ? faults(action) : Fault::none;
        perform(action, fault);
        check_single();
        return action;
    }

    // Until there is nothing to do right now.
    Action settle() {
        for (int steps = 0; steps < 200; ++steps) {
            Action action = step();
            if (std::holds_alternative<Wait>(action) || std::holds_alternative<Forget>(action)) {
                return action;
            }
        }
        ensure(false, "the life cycle comes to rest");
        return Wait{};
    }

    // As a driver would: sleeps until the moments asked for, up to `limit`.
    void run_for(Duration limit) {
        const Instant end = mono + limit;
        while (true) {
            const Action action = settle();
            const auto* wait = std::get_if<Wait>(&action);
            if (wait == nullptr || !wait->until || *wait->until > end) {
                break;
            }
            ensure(*wait->until > mono, "a wait ends in the future");
            advance(*wait->until - mono);
        }
        if (end > mono) {
            advance(end - mono);
        }
    }

    // A new process on the same runtime and stored row.
    void restart_process() {
        const PodSpecPtr spec = lifecycle.spec();
        lifecycle = PodLifecycle(PodIdentity{"default", "hello", "uid-1"}, stored);
        lifecycle.desire(spec, now());
    }

    void exit_container(
        const std::string& name, std::int32_t code, const std::string& reason = ""
    ) {
        for (Container& container : containers) {
            if (container.name == name && container.state == ContainerState::running) {
                container.state = ContainerState::exited;
                container.exit_code = code;
                container.reason = reason;
                container.finished_at = wall;
            }
        }
        lifecycle.runtime_changed();
    }

    void kill_sandbox() {
        for (ObservedSandbox& sandbox : sandboxes) {
            sandbox.ready = false;
        }
        for (Container& container : containers) {
            if (container.state == ContainerState::running) {
                container.state = ContainerState::exited;
                container.exit_code = 255;
                container.reason = "Unknown";
                container.finished_at = wall;
            }
        }
        lifecycle.runtime_changed();
    }

    void wipe_runtime() {
        sandboxes.clear();
        containers.clear();
        delayed.clear();
        lifecycle.runtime_changed();
    }

    int running(std::string_view name = "main") const {
        return static_cast<int>(std::ranges::count_if(containers, [&](const Container& container) {
            return container.name == name && container.state == ContainerState::running;
        }));
    }

    template <class T>
    int count() const {
        return static_cast<int>(std::ranges::count_if(log, [](const Action& action) {
            return std::holds_alternative<T>(action);
        }));
    }
    template <class T>
    const T* last() const {
        for (auto action = log.rbegin(); action != log.rend(); ++action) {
            if (const T* found = std::get_if<T>(&*action)) {
                return found;
            }
        }
        return nullptr;
    }

    const ContainerRecord& record(const std::string& name = "main") const {
        return lifecycle.memory().containers.at(name);
    }
    std::string waiting(const std::string& name = "main") const {
        const WaitingReason* reason = lifecycle.waiting(name);
        return reason != nullptr ? reason->reason : "";
    }

    PodLifecycle lifecycle;
    Instant mono = Instant(1000s);
    WallTime wall = WallTime(1'700'000'000s);
    std::vector<ObservedSandbox> sandboxes;
    std::vector<Container> containers;
    std::map<std::string, bool> images{{"img:1", true}, {"img:2", true}, {"init:1", true}};
    bool registry = false;  // Whether pulls succeed.
    bool volumes_work = true;
    bool disk_works = true;
    bool configuration_works = true;
    bool stop_works = true;
    // When set, StopContainers is left in flight for the test to answer.
    bool hold_stops = false;
    std::function<Fault(const Action&)> faults;
    PodMemory stored;
    int gone_reports = 0;
    bool volumes_there = false;
    std::vector<Action> log;

private:
    Result<void> failure(std::string text = "it failed") {
        return fail(ErrorCode::internal, std::move(text));
    }

    void perform(const Action& action, Fault fault) {
        if (std::holds_alternative<Observe>(action)) {
            if (fault != Fault::none) {
                lifecycle.observed(fail(ErrorCode::unavailable, "no runtime"), now());
                return;
            }
            Observation seen{.sandboxes = sandboxes, .containers = {}};
            seen.containers.assign(containers.begin(), containers.end());
            lifecycle.observed(std::move(seen), now());
            return;
        }
        if (const auto* check = std::get_if<CheckImage>(&action)) {
            if (fault != Fault::none) {
                lifecycle.image_checked(fail(ErrorCode::unavailable, "no runtime"), now());
                return;
            }
            lifecycle.image_checked(images[check->image], now());
            return;
        }
        if (std::holds_alternative<CreateContainer>(action) && !configuration_works) {
            lifecycle.configuration_failed(
                Error(ErrorCode::not_found, "configmap \"x\" not found"), now()
            );
            return;
        }
        if (std::holds_alternative<StopContainers>(action) && hold_stops) {
            return;
        }
        if (fault == Fault::fail) {
            lifecycle.finished(failure(), now());
            return;
        }
        if (fault == Fault::delayed) {
            // The answer is lost and the effect comes later; the name is reserved from the start.
            if (reserved(action)) {
                lifecycle.finished(fail(ErrorCode::already_exists, "reserved"), now());
                return;
            }
            delayed.push_back({mono + 3s, action});
            lifecycle.finished(fail(ErrorCode::deadline, "timed out"), now());
            return;
        }
        const Result<void> outcome = apply(action);
        if (fault == Fault::lost_answer) {
            lifecycle.finished(fail(ErrorCode::deadline, "timed out"), now());
        } else {
            lifecycle.finished(outcome, now());
        }
    }

    void late() {
        while (!delayed.empty() && delayed.front().first <= mono) {
            const Action action = delayed.front().second;
            delayed.pop_front();
            static_cast<void>(apply(action));
            lifecycle.runtime_changed();
            check_single();
        }
    }

    Result<void> apply(const Action& action) {
        return std::visit([this](const auto& operation) { return apply(operation); }, action);
    }

    Result<void> apply(const Observe&) { return {}; }
    Result<void> apply(const CheckImage&) { return {}; }
    Result<void> apply(const Cancel&) { return {}; }
    Result<void> apply(const Wait&) { return {}; }
    Result<void> apply(const Forget&) { return {}; }
    Result<void> apply(const SaveMemory&) {
        if (!disk_works) {
            return failure("disk full");
        }
        stored = lifecycle.memory();
        return {};
    }
    Result<void> apply(const PrepareVolumes&) {
        volumes_there |= volumes_work;
        return volumes_work ? Result<void>() : failure("configmap \"x\" not found");
    }
    Result<void> apply(const RemoveVolumes&) {
        volumes_there = false;
        return {};
    }
    Result<void> apply(const ReportGone&) {
        ++gone_reports;
        return {};
    }
    Result<void> apply(const PullImage& pull) {
        if (!registry) {
            return failure("connection refused");
        }
        images[pull.image] = true;
        return {};
    }
    // Whether an operation under way, or its effect, holds the name that this one asks for.
    bool reserved(const Action& action) const {
        if (const auto* run = std::get_if<RunSandbox>(&action)) {
            return std::ranges::any_of(
                       delayed,
                       [&](const auto& entry) {
                           const auto* other = std::get_if<RunSandbox>(&entry.second);
                           return other != nullptr && other->attempt == run->attempt;
                       }
                   ) ||
                   std::ranges::any_of(sandboxes, [&](const auto& sandbox) {
                       return sandbox.attempt == run->attempt;
                   });
        }
        if (const auto* create = std::get_if<CreateContainer>(&action)) {
            return std::ranges::any_of(
                       delayed,
                       [&](const auto& entry) {
                           const auto* other = std::get_if<CreateContainer>(&entry.second);
                           return other != nullptr && other->name == create->name &&
                                  other->attempt == create->attempt;
                       }
                   ) ||
                   std::ranges::any_of(containers, [&](const auto& container) {
                       return container.name == create->name &&
                              container.attempt == create->attempt;
                   });
        }
        return false;
    }

    Result<void> apply(const RunSandbox& run) {
        if (reserved(run)) {
            return fail(ErrorCode::already_exists, "failed to reserve sandbox name");
        }
        sandboxes.push_back({
            .id = "s" + std::to_string(++ids),
            .attempt = run.attempt,
            .ready = true,
            .ip = "10.0.0.1",
        });
        return {};
    }
    Result<void> apply(const CreateContainer& create) {
        if (reserved(create)) {
            return fail(ErrorCode::already_exists, "failed to reserve container name");
        }
        Container container;
        container.id = "c" + std::to_string(++ids);
        container.sandbox_id = create.sandbox_id;
        container.name = create.name;
        container.attempt = create.attempt;
        container.spec_hash = lifecycle.spec()->find_container(create.name)->hash;
        containers.push_back(container);
        return {};
    }
    Result<void> apply(const StartContainer& start) {
        Container* container = find(start.container_id);
        if (container == nullptr || container->state != ContainerState::created) {
            return failure("cannot be started");
        }
        container->state = ContainerState::running;
        container->started_at = wall;
        return {};
    }
    Result<void> apply(const StopContainers& stop) {
        if (!stop_works) {
            return failure("it does not stop");
        }
        for (const auto& target : stop.targets) {
            Container* container = find(target.container_id);
            if (container != nullptr && container->state != ContainerState::exited) {
                container->state = ContainerState::exited;
                container->exit_code = 143;
                container->finished_at = wall;
            }
        }
        return {};
    }
    Result<void> apply(const RemoveContainer& remove) {
        std::erase_if(containers, [&](const auto& container) {
            return container.id == remove.container_id;
        });
        return {};
    }
    Result<void> apply(const StopSandbox& stop) {
        for (ObservedSandbox& sandbox : sandboxes) {
            if (sandbox.id == stop.sandbox_id) {
                sandbox.ready = false;
                kill_in(sandbox.id);
            }
        }
        return {};
    }
    Result<void> apply(const RemoveSandbox& remove) {
        std::erase_if(sandboxes, [&](const auto& sandbox) {
            return sandbox.id == remove.sandbox_id;
        });
        std::erase_if(containers, [&](const auto& container) {
            return container.sandbox_id == remove.sandbox_id;
        });
        return {};
    }

    void kill_in(const std::string& sandbox_id) {
        for (Container& container : containers) {
            if (container.sandbox_id == sandbox_id && container.state == ContainerState::running) {
                container.state = ContainerState::exited;
                container.exit_code = 137;
            }
        }
    }

    Container* find(const std::string& id) {
        const auto found = std::ranges::find(containers, id, &Container::id);
        return found == containers.end() ? nullptr : &*found;
    }

    // The promise: never two sandboxes of one uid at work, nor two containers of one name.
    void check_single() const {
        const auto ready = std::ranges::count_if(sandboxes, &ObservedSandbox::ready);
        ensure(ready <= 1, "one ready sandbox per pod uid");
        for (const Container& container : containers) {
            ensure(running(container.name) <= 1, "one running container per name");
        }
    }

    std::deque<std::pair<Instant, Action>> delayed;  // Operations that take effect later.
    int ids = 0;
};

}  // namespace farhold::pods::test
