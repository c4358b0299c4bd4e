// SPDX-License-Identifier: Apache-2.0
//
// What `kubectl get pods` shows; after kubernetes/pkg/printers/internalversion (printPod).
#include "common/kubeschema/pod_rules.hpp"
#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace farhold::kubeschema {
namespace {

using json::Value;

constexpr std::string_view kNone = "<none>";

// A terminated container in one word.
std::string termination(const Value& terminated) {
    const std::string_view reason = terminated.text_at({"reason"});
    if (!reason.empty()) {
        return std::string(reason);
    }
    if (const auto signal = terminated.integer_at({"signal"}); signal != 0) {
        return fmt::format("Signal:{}", signal);
    }
    return fmt::format("ExitCode:{}", terminated.integer_at({"exitCode"}));
}

struct Restarts {
    std::int64_t count = 0;
    std::string last;  // When the latest of them had ended; RFC 3339 in UTC compares as text.

    void add(const Value& status) {
        count += status.integer_at({"restartCount"});
        last =
            std::max(last, std::string(status.text_at({"lastState", "terminated", "finishedAt"})));
    }

    std::string text(WallTime now) const {
        return count == 0 || last.empty()
                   ? fmt::to_string(count)
                   : fmt::format("{} ({} ago)", count, object::human_age(last, now));
    }
};

class PodSummary {
public:
    explicit PodSummary(const Value& pod)
        : pod_(pod), reason_(pod.text_at({"status", "reason"}, pod.text_at({"status", "phase"}))) {
        for (const Value& condition : list_at(pod, {"status", "conditions"})) {
            if (condition.text_at({"type"}) == "PodScheduled" &&
                condition.text_at({"reason"}) == "SchedulingGated") {
                reason_ = "SchedulingGated";
            }
        }
        for (const Value& container : list_at(pod, {"spec", "initContainers"})) {
            total_ += is_sidecar(container) ? 1U : 0U;
        }
        total_ += list_at(pod, {"spec", "containers"}).size();
        const bool initializing = read_init_containers();
        if (!initializing || object::condition_is_true(pod, "Initialized")) {
            read_containers();
        }
        read_deletion();
    }

    std::string ready() const { return fmt::format("{}/{}", ready_, total_); }
    const std::string& reason() const { return reason_; }
    std::string restarts(WallTime now) const { return restarts_.text(now); }

private:
    static bool is_sidecar(const Value& container) {
        return container.text_at({"restartPolicy"}) == "Always";
    }

    bool is_sidecar_named(std::string_view name) const {
        return std::ranges::any_of(
            list_at(pod_, {"spec", "initContainers"}),
            [&](const Value& container) {
                return container.text_at({"name"}) == name && is_sidecar(container);
            }
        );
    }

    // Whether the pod waits for one of them.
    bool read_init_containers() {
        const auto& statuses = list_at(pod_, {"status", "initContainerStatuses"});
        for (std::size_t i = 0; i < statuses.size(); ++i) {
            const Value& status = statuses[i];
            const bool sidecar = is_sidecar_named(status.text_at({"name"}));
            restarts_.add(status);
            if (sidecar) {
                sidecar_restarts_.add(status);
            }
            const Value* terminated = status.at_path({"state", "terminated"});
            if (terminated != nullptr && terminated->integer_at({"exitCode"}) == 0) {
                continue;
            }
            if (sidecar && status.bool_at({"started"})) {
                ready_ += status.bool_at({"ready"}) ? 1 : 0;
                continue;
            }
            const std::string_view waiting = status.text_at({"state", "waiting", "reason"});
            if (terminated != nullptr) {
                reason_ = "Init:" + termination(*terminated);
            } else if (!waiting.empty() && waiting != "PodInitializing") {
                reason_ = fmt::format("Init:{}", waiting);
            } else {
                reason_ =
                    fmt::format("Init:{}/{}", i, list_at(pod_, {"spec", "initContainers"}).size());
            }
            return true;
        }
        return false;
    }

    // Backwards, so that the first container's trouble is the one that is shown.
    void read_containers() {
        restarts_ = sidecar_restarts_;
        bool running = false;
        const auto& statuses = list_at(pod_, {"status", "containerStatuses"});
        for (auto status = statuses.rbegin(); status != statuses.rend(); ++status) {
            restarts_.add(*status);
            const std::string_view waiting = status->text_at({"state", "waiting", "reason"});
            const Value* terminated = status->at_path({"state", "terminated"});
            if (!waiting.empty()) {
                reason_ = waiting;
            } else if (terminated != nullptr) {
                reason_ = termination(*terminated);
            } else if (status->bool_at({"ready"}) &&
                       status->at_path({"state", "running"}) != nullptr) {
                running = true;
                ++ready_;
            }
        }
        if (reason_ == "Completed" && running) {
            reason_ = object::condition_is_true(pod_, "Ready") ? "Running" : "NotReady";
        }
    }

    void read_deletion() {
        const std::string_view phase = pod_.text_at({"status", "phase"});
        if (!object::is_deleting(pod_)) {
            return;
        }
        if (pod_.text_at({"status", "reason"}) == "NodeLost") {
            reason_ = "Unknown";
        } else if (phase != "Succeeded" && phase != "Failed") {
            reason_ = "Terminating";
        }
    }

    const Value& pod_;
    std::string reason_;
    std::size_t total_ = 0;
    int ready_ = 0;
    Restarts restarts_;
    Restarts sidecar_restarts_;
};

std::string readiness_gates(const Value& pod) {
    const auto& gates = list_at(pod, {"spec", "readinessGates"});
    if (gates.empty()) {
        return std::string(kNone);
    }
    const auto met = std::ranges::count_if(gates, [&](const Value& gate) {
        return object::condition_is_true(pod, gate.text_at({"conditionType"}));
    });
    return fmt::format("{}/{}", met, gates.size());
}

}  // namespace

std::vector<Column> pod_columns() {
    return {
        name_column(),
        column("Ready", "Ready containers of all containers."),
        column("Status", "What the pod as a whole is doing."),
        column("Restarts", "Restarts of the containers, and when the last one was."),
        age_column(),
        wide_column("IP", "Address of the pod."),
        wide_column("Node", "The node that the pod was bound to."),
        wide_column("Nominated Node", "The node that waits for room for the pod."),
        wide_column("Readiness Gates", "Fulfilled readiness gates of all gates."),
    };
}

Cells pod_cells(const json::Value& pod, WallTime now) {
    const PodSummary summary(pod);
    return {
        text_cell(pod, {"metadata", "name"}),
        Value::of(summary.ready()),
        Value::of(summary.reason()),
        Value::of(summary.restarts(now)),
        age_cell(pod, now),
        text_cell(pod, {"status", "podIP"}, kNone),
        text_cell(pod, {"spec", "nodeName"}, kNone),
        text_cell(pod, {"status", "nominatedNodeName"}, kNone),
        Value::of(readiness_gates(pod)),
    };
}

// By which clients may tell those that are over.
json::Value pod_row_conditions(const json::Value& pod) {
    const std::string_view phase = pod.text_at({"status", "phase"});
    if (phase != "Succeeded" && phase != "Failed") {
        return {};
    }
    return Value::make_array({Value::make_object({
        {"type", Value::of("Completed")},
        {"status", Value::of("True")},
        {"reason", Value::of(phase)},
        {"message",
         Value::of(phase == "Succeeded" ? "The pod has completed successfully." : "The pod failed.")
        },
    })});
}

}  // namespace farhold::kubeschema
