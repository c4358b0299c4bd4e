// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_status.hpp"

#include "common/base/ensure.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

namespace farhold::pods {

namespace {

using json::Value;

struct Running {
    std::optional<WallTime> started_at;
};

// One container as its status shows it.
struct View {
    const ContainerSpec* spec = nullptr;
    const ContainerRecord* record = nullptr;  // Null before the first creation.
    std::variant<WaitingReason, Running, Termination> state;
    std::optional<Termination> last;
    bool ready = false;

    [[nodiscard]] bool running() const { return std::holds_alternative<Running>(state); }
    [[nodiscard]] const Termination* terminated() const { return std::get_if<Termination>(&state); }
};

// Kubelet's words for a container of which nothing is known when its pod ends.
Termination never_located() {
    return {
        .exit_code = 137,
        .reason = "ContainerStatusUnknown",
        .message = "The container could not be located when the pod was terminated",
    };
}

class Composer {
public:
    Composer(PodLifecycle& lifecycle, const StatusFacts& facts)
        : lifecycle_(lifecycle), facts_(facts), spec_(*lifecycle.spec()) {
        for (const ContainerSpec& container : spec_.init_containers) {
            init_.push_back(view_of(container, true));
        }
        for (const ContainerSpec& container : spec_.containers) {
            app_.push_back(view_of(container, false));
        }
        phase_ = phase();
    }

    PodStatus compose();

private:
    View view_of(const ContainerSpec& container, bool init) const;
    WaitingReason waiting_for(const ContainerSpec& container) const;
    [[nodiscard]] bool over() const {
        return lifecycle_.memory().final_state ||
               (lifecycle_.terminating() && lifecycle_.stopped());
    }
    [[nodiscard]] std::string phase() const;
    [[nodiscard]] std::string app_phase() const;

    void add_conditions(Value& status);
    Value condition(
        const std::string& type, bool fulfilled, std::string reason, std::string message
    );
    Value ready_condition(const std::string& type, bool with_gates);
    Value container_statuses(const std::vector<View>& views) const;
    Value container_status(const View& view) const;
    Value termination(const Termination& end) const;
    Value time_value(const std::optional<WallTime>& time) const;

    PodLifecycle& lifecycle_;
    const StatusFacts& facts_;
    const podspec::PodSpec& spec_;
    std::vector<View> init_;
    std::vector<View> app_;
    std::string phase_;
};

WaitingReason Composer::waiting_for(const ContainerSpec& container) const {
    if (const WaitingReason* reason = lifecycle_.waiting(container.name)) {
        return *reason;
    }
    return {
        .reason = lifecycle_.initialized() ? "ContainerCreating" : "PodInitializing",
        .message = "",
    };
}

View Composer::view_of(const ContainerSpec& container, bool init) const {
    View view;
    view.spec = &container;
    const auto& records = lifecycle_.memory().containers;
    const auto found = records.find(container.name);
    view.record = found == records.end() ? nullptr : &found->second;
    if (view.record != nullptr) {
        view.last = view.record->previous;
    }
    const bool ended = view.record != nullptr && view.record->ended.has_value();
    if (view.record != nullptr && view.record->state == ContainerRecord::State::running) {
        view.state = Running{view.record->started_at};
        view.ready = !init;
    } else if (ended) {
        const WaitingReason* reason = lifecycle_.waiting(container.name);
        if (reason != nullptr && lifecycle_.restarts(container)) {
            view.state = *reason;
            view.last = view.record->ended;
        } else {
            view.state = *view.record->ended;
            view.ready = init && view.record->ended->exit_code == 0;
        }
    } else if (over()) {
        view.state = never_located();
    } else {
        view.state = waiting_for(container);
    }
    return view;
}

std::string Composer::phase() const {
    if (const auto& final_state = lifecycle_.memory().final_state) {
        return final_state->phase == FinalPhase::succeeded ? "Succeeded" : "Failed";
    }
    const bool init_pending = !lifecycle_.initialized();
    return init_pending && !over() ? "Pending" : app_phase();
}

// Kubelet's getPhase.
std::string Composer::app_phase() const {
    int running = 0;
    int waiting = 0;
    int stopped = 0;
    int succeeded = 0;
    for (const View& view : app_) {
        if (view.running()) {
            ++running;
        } else if (const Termination* end = view.terminated()) {
            ++stopped;
            succeeded += end->exit_code == 0 ? 1 : 0;
        } else {
            ++(view.last ? stopped : waiting);
        }
    }
    if (waiting > 0) {
        return "Pending";
    }
    if (running > 0) {
        return "Running";
    }
    if (over()) {
        return stopped == succeeded ? "Succeeded" : "Failed";
    }
    return "Running";
}

Value Composer::time_value(const std::optional<WallTime>& time) const {
    // Kubelet writes the epoch for a container that never started.
    return Value::of(object::format_time(time.value_or(WallTime{})));
}

Value Composer::termination(const Termination& end) const {
    Value value = Value::make_object();
    value.set("exitCode", Value::of(end.exit_code));
    value.set("reason", Value::of(end.reason));
    if (!end.message.empty()) {
        value.set("message", Value::of(end.message));
    }
    const bool nothing_known = end.container_id.empty();
    const bool ended_unseen = end.started_at && !end.finished_at;
    value.set("startedAt", nothing_known ? Value() : time_value(end.started_at));
    value.set("finishedAt", nothing_known || ended_unseen ? Value() : time_value(end.finished_at));
    if (!end.container_id.empty()) {
        value.set("containerID", Value::of(facts_.runtime + "://" + end.container_id));
    }
    return value;
}

Value Composer::container_status(const View& view) const {
    Value state = Value::make_object();
    if (const auto* waiting = std::get_if<WaitingReason>(&view.state)) {
        Value& entry = state.set("waiting", Value::make_object());
        entry.set("reason", Value::of(waiting->reason));
        if (!waiting->message.empty()) {
            entry.set("message", Value::of(waiting->message));
        }
    } else if (const auto* running = std::get_if<Running>(&view.state)) {
        Value& entry = state.set("running", Value::make_object());
        entry.set("startedAt", time_value(running->started_at));
    } else {
        state.set("terminated", termination(*view.terminated()));
    }
    Value last = Value::make_object();
    if (view.last) {
        last.set("terminated", termination(*view.last));
    }
    const bool known = view.record != nullptr;
    Value status = Value::make_object();
    status.set("name", Value::of(view.spec->name));
    status.set("state", std::move(state));
    status.set("lastState", std::move(last));
    status.set("ready", Value::of(view.ready));
    status.set("restartCount", Value::of(known ? view.record->attempt : 0U));
    status.set("image", Value::of(view.spec->image));
    status.set("imageID", Value::of(known ? view.record->image_id : std::string()));
    if (known) {
        status.set("containerID", Value::of(facts_.runtime + "://" + view.record->container_id));
    }
    status.set("started", Value::of(view.running()));
    return status;
}

Value Composer::container_statuses(const std::vector<View>& views) const {
    Value list = Value::make_array();
    for (const View& view : views) {
        list.push_back(container_status(view));
    }
    return list;
}

Value Composer::condition(
    const std::string& type, bool fulfilled, std::string reason, std::string message
) {
    const auto& known = lifecycle_.memory().conditions;
    const auto found = known.find(type);
    ConditionRecord record{.status = fulfilled, .since = facts_.now};
    if (found != known.end() && found->second.status == fulfilled) {
        record.since = found->second.since;
    } else {
        lifecycle_.remember_condition(type, record);
    }
    Value value = Value::make_object();
    value.set("type", Value::of(type));
    if (spec_.generation > 0) {
        value.set("observedGeneration", Value::of(spec_.generation));
    }
    value.set("status", Value::of(fulfilled ? "True" : "False"));
    value.set("lastProbeTime", Value());
    value.set("lastTransitionTime", Value::of(object::format_time(record.since)));
    if (!reason.empty()) {
        value.set("reason", Value::of(std::move(reason)));
    }
    if (!message.empty()) {
        value.set("message", Value::of(std::move(message)));
    }
    return value;
}

// ContainersReady, and Ready, which looks at the readiness gates as well.
Value Composer::ready_condition(const std::string& type, bool with_gates) {
    if (phase_ == "Failed" || phase_ == "Succeeded") {
        return condition(type, false, phase_ == "Failed" ? "PodFailed" : "PodCompleted", "");
    }
    std::vector<std::string> unready;
    for (const View& view : app_) {
        if (!view.ready) {
            unready.push_back(view.spec->name);
        }
    }
    if (!unready.empty()) {
        std::string message =
            fmt::format("containers with unready status: [{}]", fmt::join(unready, " "));
        return condition(type, false, "ContainersNotReady", std::move(message));
    }
    if (with_gates && !spec_.readiness_gates.empty()) {
        // Their conditions are set by others, in the status, which machines are not given.
        std::string message = fmt::format(
            "corresponding condition of pod readiness gate \"{}\" does not exist.",
            spec_.readiness_gates.front()
        );
        return condition(type, false, "ReadinessGatesNotReady", std::move(message));
    }
    return condition(type, true, "", "");
}

void Composer::add_conditions(Value& status) {
    Value& list = status.set("conditions", Value::make_array());
    const bool sandbox = lifecycle_.current_sandbox() != nullptr;
    list.push_back(condition("PodReadyToStartContainers", sandbox, "", ""));
    if (lifecycle_.initialized()) {
        list.push_back(
            condition("Initialized", true, phase_ == "Succeeded" ? "PodCompleted" : "", "")
        );
    } else {
        std::vector<std::string> incomplete;
        for (const View& view : init_) {
            if (!view.ready) {
                incomplete.push_back(view.spec->name);
            }
        }
        list.push_back(condition(
            "Initialized", false, "ContainersNotInitialized",
            fmt::format("containers with incomplete status: [{}]", fmt::join(incomplete, " "))
        ));
    }
    list.push_back(ready_condition("Ready", true));
    list.push_back(ready_condition("ContainersReady", false));
}

void set_addresses(
    Value& status, const std::string& one, const std::string& many,
    const std::vector<std::string>& addresses
) {
    if (addresses.empty()) {
        return;
    }
    status.set(one, Value::of(addresses.front()));
    Value& list = status.set(many, Value::make_array());
    for (const std::string& address : addresses) {
        Value entry = Value::make_object();
        entry.set("ip", Value::of(address));
        list.push_back(std::move(entry));
    }
}

PodStatus Composer::compose() {
    const PodMemory& memory = lifecycle_.memory();
    Value status = Value::make_object();
    if (spec_.generation > 0) {
        status.set("observedGeneration", Value::of(spec_.generation));
    }
    status.set("phase", Value::of(phase_));
    if (memory.final_state && !memory.final_state->reason.empty()) {
        status.set("reason", Value::of(memory.final_state->reason));
        status.set("message", Value::of(memory.final_state->message));
    }
    add_conditions(status);
    set_addresses(status, "hostIP", "hostIPs", facts_.host_ips);
    set_addresses(status, "podIP", "podIPs", facts_.pod_ips);
    if (memory.start_time) {
        status.set("startTime", Value::of(object::format_time(*memory.start_time)));
    }
    const bool refused = memory.final_state && memory.containers.empty();
    if (!init_.empty() && !refused) {
        status.set("initContainerStatuses", container_statuses(init_));
    }
    if (!refused) {
        status.set("containerStatuses", container_statuses(app_));
    }
    status.set("qosClass", Value::of(podspec::to_string(spec_.qos)));

    PodStatus result;
    result.ready = status.find("conditions")->array()[2].text_at({"status"}) == "True";
    for (const View& view : app_) {
        result.restarts += view.record != nullptr ? view.record->attempt : 0;
    }
    result.phase = phase_;
    result.status = std::move(status);
    return result;
}

}  // namespace

PodStatus make_pod_status(PodLifecycle& lifecycle, const StatusFacts& facts) {
    ensure(lifecycle.spec() != nullptr, "a status is made for a known spec");
    return Composer(lifecycle, facts).compose();
}

WaitingReason main_reason(const Value& status) {
    if (const auto reason = status.text_at({"reason"}); !reason.empty()) {
        return {std::string(reason), std::string(status.text_at({"message"}))};
    }
    for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
        const Value* containers = status.find(list);
        if (containers == nullptr || !containers->is_array()) {
            continue;
        }
        for (const Value& container : containers->array()) {
            const auto told = [&](std::string_view state) -> WaitingReason {
                return {
                    std::string(container.text_at({"state", state, "reason"})),
                    std::string(container.text_at({"state", state, "message"})),
                };
            };
            if (const WaitingReason waiting = told("waiting"); !waiting.reason.empty()) {
                return waiting;
            }
            const WaitingReason ended = told("terminated");
            if (!ended.reason.empty() && ended.reason != "Completed") {
                return ended;
            }
        }
    }
    return {};
}

}  // namespace farhold::pods
