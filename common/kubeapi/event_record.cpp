// SPDX-License-Identifier: Apache-2.0
#include "common/kubeapi/event_record.hpp"

#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::kubeapi {

json::Value reference_to(
    const json::Value& object, std::string_view api_version, std::string_view kind
) {
    json::Value reference = json::Value::make_object();
    reference.set("kind", json::Value::of(kind));
    if (!object::ns(object).empty()) {
        reference.set("namespace", json::Value::of(object::ns(object)));
    }
    reference.set("name", json::Value::of(object::name(object)));
    reference.set("uid", json::Value::of(object::uid(object)));
    reference.set("apiVersion", json::Value::of(api_version));
    reference.set("resourceVersion", json::Value::of(object::resource_version(object)));
    return reference;
}

json::Value make_event(
    json::Value involved, std::string_view type, std::string_view reason, std::string message,
    std::string_view component, WallTime time
) {
    const std::string name =
        fmt::format("{}.{:016x}", involved.text_at({"name"}), time.time_since_epoch().count());
    const std::string stamp = object::format_time(time);
    json::Value event = json::Value::make_object();
    event.set("apiVersion", json::Value::of("v1"));
    event.set("kind", json::Value::of("Event"));
    json::Value& metadata = event.ensure_path({"metadata"});
    metadata.set("name", json::Value::of(name));
    metadata.set("namespace", json::Value::of(involved.text_at({"namespace"}, "default")));
    event.set("involvedObject", std::move(involved));
    event.set("reason", json::Value::of(reason));
    event.set("message", json::Value::of(std::move(message)));
    event.ensure_path({"source"}).set("component", json::Value::of(component));
    event.set("firstTimestamp", json::Value::of(stamp));
    event.set("lastTimestamp", json::Value::of(stamp));
    event.set("count", json::Value::of(1));
    event.set("type", json::Value::of(type));
    event.set("reportingComponent", json::Value::of(component));
    return event;
}

}  // namespace farhold::kubeapi
