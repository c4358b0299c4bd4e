// SPDX-License-Identifier: Apache-2.0
#include "edgecore/twin/twin_record.hpp"

#include "common/json/value.hpp"

#include <algorithm>

namespace farhold::twin {
namespace {

using json::Value;

constexpr json::ParseLimits kLimits{.bytes = std::size_t{4} << 20U, .depth = 8};

std::uint64_t count_at(const Value& value, std::string_view member) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.integer_at({member})));
}

std::string text_at(const Value& value, std::string_view member) {
    return std::string(value.text_at({member}));
}

void put_versions(Value& value, const Versions& version) {
    value.set("cloud", Value::of(version.cloud));
    value.set("edge", Value::of(version.edge));
}

Versions versions_of(const Value& value) {
    return {.cloud = count_at(value, "cloud"), .edge = count_at(value, "edge")};
}

Value encode(const Desired& desired) {
    Value value = Value::make_object();
    value.set("value", Value::of(desired.value));
    put_versions(value, desired.version);
    if (!desired.by_cloud()) value.set("who", Value::of(desired.who));
    value.set("at", Value::of(desired.at_ms));
    value.set("ms", Value::of(desired.stamp.ms));
    value.set("count", Value::of(desired.stamp.count));
    if (desired.proved_ms != 0) value.set("proved", Value::of(desired.proved_ms));
    if (desired.unmerged) value.set("unmerged", Value::of(true));
    return value;
}

Desired decode_desired(const Value& value) {
    return {
        .value = text_at(value, "value"),
        .version = versions_of(value),
        .who = text_at(value, "who"),
        .at_ms = value.integer_at({"at"}),
        .stamp = {value.integer_at({"ms"}), static_cast<std::uint32_t>(count_at(value, "count"))},
        .proved_ms = value.integer_at({"proved"}),
        .unmerged = value.bool_at({"unmerged"}),
    };
}

Value encode(const Reported& reported) {
    Value value = Value::make_object();
    value.set("value", Value::of(reported.value));
    put_versions(value, reported.version);
    value.set("at", Value::of(reported.at_ms));
    if (reported.sent_ms != 0) value.set("sent", Value::of(reported.sent_ms));
    return value;
}

Reported decode_reported(const Value& value) {
    return {
        .value = text_at(value, "value"),
        .version = versions_of(value),
        .at_ms = value.integer_at({"at"}),
        .sent_ms = value.integer_at({"sent"}),
    };
}

Value encode(const Property& property) {
    Value value = Value::make_object();
    if (property.desired) value.set("desired", encode(*property.desired));
    if (property.cloud) {
        Value& word = value.set("cloud", Value::make_object());
        word.set("value", Value::of(property.cloud->value));
        word.set("mark", Value::of(property.cloud->mark));
        word.set("at", Value::of(property.cloud->at_ms));
    }
    if (property.reported) value.set("reported", encode(*property.reported));
    if (property.conflict) {
        Value& conflict = value.set("conflict", Value::make_object());
        conflict.set("cloud", Value::of(property.conflict->cloud));
        conflict.set("machine", Value::of(property.conflict->machine));
        conflict.set("machineStands", Value::of(property.conflict->machine_stands));
        conflict.set("at", Value::of(property.conflict->at_ms));
    }
    if (!property.optional) value.set("optional", Value::of(false));
    if (property.type != "string") value.set("type", Value::of(property.type));
    return value;
}

Property decode_property(const Value& value) {
    Property property;
    if (const Value* desired = value.find("desired")) property.desired = decode_desired(*desired);
    if (const Value* word = value.find("cloud")) {
        property.cloud = CloudWord{
            .value = text_at(*word, "value"),
            .mark = text_at(*word, "mark"),
            .at_ms = word->integer_at({"at"}),
        };
    }
    if (const Value* reported = value.find("reported")) {
        property.reported = decode_reported(*reported);
    }
    if (const Value* conflict = value.find("conflict")) {
        property.conflict = Conflict{
            .cloud = text_at(*conflict, "cloud"),
            .machine = text_at(*conflict, "machine"),
            .machine_stands = conflict->bool_at({"machineStands"}),
            .at_ms = conflict->integer_at({"at"}),
        };
    }
    property.optional = value.bool_at({"optional"}, true);
    property.type = std::string(value.text_at({"type"}, "string"));
    return property;
}

}  // namespace

std::string DeviceRecord::encode() const {
    Value value = Value::make_object();
    value.set("uid", Value::of(uid));
    if (!state.empty()) value.set("state", Value::of(state));
    if (last_online_ms != 0) value.set("lastOnline", Value::of(last_online_ms));
    value.set("changes", Value::of(changes));
    value.set("told", Value::of(told));
    if (!told_state.empty()) value.set("toldState", Value::of(told_state));
    Value& list = value.set("properties", Value::make_object());
    for (const auto& [name, property] : properties) {
        list.object().push_back({name, twin::encode(property)});
    }
    return value.dump();
}

Result<DeviceRecord> DeviceRecord::decode(std::string_view text) {
    const auto value = Value::parse(text, kLimits);
    if (!value) return fail(value.error().within("twin"));
    DeviceRecord record;
    record.uid = text_at(*value, "uid");
    if (record.uid.empty()) return fail(ErrorCode::corrupt, "twin: no uid");
    record.state = text_at(*value, "state");
    record.last_online_ms = value->integer_at({"lastOnline"});
    record.changes = count_at(*value, "changes");
    record.told = count_at(*value, "told");
    record.told_state = text_at(*value, "toldState");
    if (const Value* list = value->find("properties"); list != nullptr && list->is_object()) {
        for (const json::Member& member : list->object()) {
            record.properties.insert_or_assign(member.key, decode_property(member.value));
        }
    }
    return record;
}

}  // namespace farhold::twin
