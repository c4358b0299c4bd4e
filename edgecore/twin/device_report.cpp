// SPDX-License-Identifier: Apache-2.0
#include "edgecore/twin/device_report.hpp"

#include "common/json/value.hpp"
#include "common/object/time_text.hpp"

#include <chrono>
#include <utility>

namespace farhold::twin {
namespace {

using json::Value;

Value twin_value(const std::string& value, std::int64_t at_ms, const std::string& type) {
    Value metadata = Value::make_object();
    metadata.set("timestamp", Value::of(std::to_string(at_ms)));
    metadata.set("type", Value::of(type));
    Value twin = Value::make_object();
    twin.set("value", Value::of(value));
    twin.set("metadata", std::move(metadata));
    return twin;
}

std::string version_text(const Versions& version) {
    return std::to_string(version.cloud) + '.' + std::to_string(version.edge);
}

Value twin_of(const std::string& name, const Property& property) {
    Value twin = Value::make_object();
    twin.set("propertyName", Value::of(name));
    if (property.reported) {
        Value& reported = twin.set(
            "reported",
            twin_value(property.reported->value, property.reported->at_ms, property.type)
        );
        reported.ensure_path({"metadata"})
            .set("version", Value::of(version_text(property.reported->version)));
    }
    if (property.desired && !property.desired->value.empty()) {
        Value& desired = twin.set(
            "observedDesired",
            twin_value(property.desired->value, property.desired->at_ms, property.type)
        );
        Value& metadata = desired.ensure_path({"metadata"});
        metadata.set("version", Value::of(version_text(property.desired->version)));
        metadata.set(
            "setBy", Value::of(property.desired->by_cloud() ? "cloud" : property.desired->who)
        );
    }
    return twin;
}

Value conflict_of(const std::string& name, const Conflict& conflict, ConflictRule rule) {
    Value value = Value::make_object();
    value.set("propertyName", Value::of(name));
    value.set("cloud", Value::of(conflict.cloud));
    value.set("machine", Value::of(conflict.machine));
    value.set("stands", Value::of(conflict.machine_stands ? "machine" : "cloud"));
    value.set("rule", Value::of(to_string(rule)));
    value.set("time", Value::of(time_text(conflict.at_ms)));
    return value;
}

Value problems_of(const DeviceSpec& spec) {
    Value list = Value::make_array();
    for (const Unserved& one : spec.unserved) list.push_back(Value::of(one.message));
    for (const auto& [name, reason] : spec.rejected) {
        list.push_back(Value::of("desired value of " + name + " not taken: " + reason));
    }
    return list;
}

}  // namespace

std::string time_text(std::int64_t ms) {
    return ms == 0 ? std::string() : object::format_time(WallTime(std::chrono::milliseconds(ms)));
}

std::string device_status_body(const DeviceSpec& spec, const DeviceRecord& record) {
    Value status = Value::make_object();
    Value& twins = status.set("twins", Value::make_array());
    Value conflicts = Value::make_array();
    for (const auto& [name, property] : record.properties) {
        twins.push_back(twin_of(name, property));
        if (property.conflict)
            conflicts.push_back(conflict_of(name, *property.conflict, spec.rule));
    }
    if (!record.state.empty()) status.set("state", Value::of(record.state));
    if (record.last_online_ms != 0) {
        status.set("lastOnlineTime", Value::of(time_text(record.last_online_ms)));
    }
    Value extensions = Value::make_object();
    Value problems = problems_of(spec);
    if (!problems.empty()) extensions.set("problems", std::move(problems));
    if (!conflicts.empty()) extensions.set("conflicts", std::move(conflicts));
    if (!extensions.empty()) status.set("extensions", std::move(extensions));
    return status.dump();
}

std::string device_state_body(const DeviceSpec& spec, const DeviceRecord& record) {
    Value status = Value::make_object();
    if (!record.state.empty()) status.set("state", Value::of(record.state));
    if (record.last_online_ms != 0) {
        status.set("lastOnlineTime", Value::of(time_text(record.last_online_ms)));
    }
    const Value problems = problems_of(spec);
    Value condition = Value::make_object();
    condition.set("type", Value::of("Served"));
    condition.set("status", Value::of(problems.empty() ? "True" : "False"));
    std::string reason = "Served";
    if (!problems.empty()) {
        reason = spec.unserved.empty() ? "DesiredNotTaken" : spec.unserved.front().reason;
    }
    condition.set("reason", Value::of(reason));
    std::string message;
    for (const Value& one : problems.array()) {
        if (!message.empty()) message += "; ";
        message += one.as_string();
    }
    condition.set("message", Value::of(message));
    status.set("conditions", Value::make_array({std::move(condition)}));
    return status.dump();
}

}  // namespace farhold::twin
