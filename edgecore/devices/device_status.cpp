// SPDX-License-Identifier: Apache-2.0
#include "edgecore/devices/device_status.hpp"

#include "edgecore/twin/device_report.hpp"

#include <utility>

namespace farhold::devices {
namespace {

using json::Value;

Value version(const twin::Versions& versions) {
    Value value = Value::make_object();
    value.set("cloud", Value::of(versions.cloud));
    value.set("edge", Value::of(versions.edge));
    return value;
}

Value property_status(const std::string& name, const twin::Property& property) {
    Value one = Value::make_object();
    one.set("name", Value::of(name));
    one.set("type", Value::of(property.type));
    if (property.desired && !property.desired->value.empty()) {
        Value& desired = one.set("desired", Value::make_object());
        desired.set("value", Value::of(property.desired->value));
        desired.set("version", version(property.desired->version));
        desired.set("time", Value::of(twin::time_text(property.desired->at_ms)));
        desired.set(
            "setBy", Value::of(property.desired->by_cloud() ? "cloud" : property.desired->who)
        );
        desired.set("merged", Value::of(!property.desired->unmerged));
    }
    if (property.reported) {
        Value& reported = one.set("reported", Value::make_object());
        reported.set("value", Value::of(property.reported->value));
        reported.set("version", version(property.reported->version));
        reported.set("time", Value::of(twin::time_text(property.reported->at_ms)));
    }
    if (property.conflict) {
        Value& conflict = one.set("conflict", Value::make_object());
        conflict.set("cloud", Value::of(property.conflict->cloud));
        conflict.set("machine", Value::of(property.conflict->machine));
        conflict.set("stands", Value::of(property.conflict->machine_stands ? "machine" : "cloud"));
        conflict.set("time", Value::of(twin::time_text(property.conflict->at_ms)));
    }
    return one;
}

}  // namespace

json::Value device_status(const std::string& id, const twin::DeviceTwin& device) {
    const twin::DeviceRecord& record = device.record();
    const std::size_t slash = id.find('/');
    Value value = Value::make_object();
    value.set("namespace", Value::of(id.substr(0, slash)));
    value.set("name", Value::of(id.substr(slash + 1)));
    value.set("uid", Value::of(record.uid));
    value.set("state", Value::of(record.state));
    value.set("lastOnlineTime", Value::of(twin::time_text(record.last_online_ms)));
    value.set("conflictRule", Value::of(twin::to_string(device.spec().rule)));
    Value& list = value.set("properties", Value::make_array());
    for (const auto& [name, property] : record.properties) {
        list.push_back(property_status(name, property));
    }
    Value problems = Value::make_array();
    for (const twin::Unserved& one : device.spec().unserved) {
        problems.push_back(Value::of(one.message));
    }
    for (const auto& [name, reason] : device.spec().rejected) {
        problems.push_back(Value::of("desired value of " + name + " not taken: " + reason));
    }
    value.set("problems", std::move(problems));
    return value;
}

}  // namespace farhold::devices
