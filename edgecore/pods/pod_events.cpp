// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_events.hpp"

#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::pods {

namespace {

constexpr std::size_t kKnownMax = 64;
// A repetition is told when the count has doubled or this time has passed.
constexpr Duration kRepeatedEvery = std::chrono::minutes(5);
constexpr std::size_t kMessageBytesMax = 1024;  // The API server refuses longer ones.

json::Value source_of(const std::string& node_name) {
    return json::Value::make_object({
        {"component", json::Value::of("edgecore")},
        {"host", json::Value::of(node_name)},
    });
}

}  // namespace

EventRecorder::EventRecorder(PodIdentity pod, std::string node_name)
    : pod_(std::move(pod)), node_name_(std::move(node_name)) {}

std::optional<EventReport> EventRecorder::record(const PodEvent& event, Now now) {
    if (known_.size() > kKnownMax) {
        known_.clear();
    }
    const std::string message = event.message.substr(0, kMessageBytesMax);
    const std::string identity = fmt::format("{}\n{}\n{}", event.reason, event.container, message);
    Known& known = known_[identity];
    if (known.count == 0) {
        // Kubernetes' form; the counter keeps names apart when the clock stands still.
        known.name = fmt::format(
            "{}.{:x}", pod_.name,
            static_cast<std::uint64_t>(now.wall.time_since_epoch().count()) + known_.size()
        );
        known.first = now.wall;
    }
    ++known.count;
    const bool worth_it = known.count == 1 || known.count >= 2 * known.reported ||
                          now.mono - known.reported_at >= kRepeatedEvery;
    if (!worth_it) {
        return std::nullopt;
    }
    known.reported = known.count;
    known.reported_at = now.mono;

    json::Value involved = json::Value::make_object({
        {"kind", json::Value::of("Pod")},
        {"namespace", json::Value::of(pod_.ns)},
        {"name", json::Value::of(pod_.name)},
        {"uid", json::Value::of(pod_.uid)},
        {"apiVersion", json::Value::of("v1")},
    });
    if (!event.container.empty()) {
        involved.set(
            "fieldPath", json::Value::of(fmt::format("spec.containers{{{}}}", event.container))
        );
    }
    json::Value body = json::Value::make_object({
        {"apiVersion", json::Value::of("v1")},
        {"kind", json::Value::of("Event")},
        {"metadata", json::Value::make_object({
                         {"name", json::Value::of(known.name)},
                         {"namespace", json::Value::of(pod_.ns)},
                     })},
        {"involvedObject", std::move(involved)},
        {"reason", json::Value::of(event.reason)},
        {"message", json::Value::of(message)},
        {"source", source_of(node_name_)},
        {"firstTimestamp", json::Value::of(object::format_time(known.first))},
        {"lastTimestamp", json::Value::of(object::format_time(now.wall))},
        {"count", json::Value::of(known.count)},
        {"type", json::Value::of(event.warning ? "Warning" : "Normal")},
        {"reportingComponent", json::Value::of("edgecore")},
        {"reportingInstance", json::Value::of(node_name_)},
    });
    return EventReport{.name = known.name, .body = std::move(body)};
}

}  // namespace farhold::pods
