// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/hold_record.hpp"

#include "common/object/metadata.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace farhold::views {
namespace {

constexpr std::string_view kClusterName = "cluster";
constexpr std::string_view kNodePrefix = "node/";

ObjectsByMachine read_kept(const json::Value& map) {
    ObjectsByMachine kept;
    const auto parsed = json::Value::parse(map.text_at({"data", "kept"}));
    if (!parsed || !parsed->is_object()) return kept;  // It is only told to people.
    for (const json::Member& member : parsed->object()) {
        const auto objects = member.value.integer().value_or(0);
        if (objects > 0) kept[member.key] = static_cast<std::size_t>(objects);
    }
    return kept;
}

}  // namespace

std::string scope_name(std::string_view scope) {
    return scope == RemovalHold::kWholeCluster ? std::string(kClusterName)
                                               : fmt::format("{}{}", kNodePrefix, scope);
}

std::optional<std::string> scope_named(std::string_view name) {
    if (name == kClusterName) return std::string(RemovalHold::kWholeCluster);
    if (!name.starts_with(kNodePrefix) || name == kNodePrefix) return std::nullopt;
    return std::string(name.substr(kNodePrefix.size()));
}

json::Value make_hold_map() {
    json::Value map = json::Value::make_object();
    map.set("apiVersion", json::Value::of("v1"));
    map.set("kind", json::Value::of("ConfigMap"));
    json::Value& metadata = map.ensure_path({"metadata"});
    metadata.set("name", json::Value::of(kHoldName));
    metadata.set("namespace", json::Value::of(kHoldNamespace));
    return map;
}

Result<RemovalHold> read_hold(const json::Value& map) {
    const std::string_view record = map.text_at({"data", "record"});
    if (record.empty()) return RemovalHold();
    auto hold = RemovalHold::decode(record);
    if (!hold) {
        return fail(hold.error().within(fmt::format("ConfigMap {}/{}", kHoldNamespace, kHoldName)));
    }
    return hold;
}

Result<std::vector<HeldRemovals>> read_held_removals(const json::Value& map) {
    const auto hold = read_hold(map);
    if (!hold) return fail(hold.error());
    std::vector<HeldRemovals> all;
    ObjectsByMachine kept = read_kept(map);
    for (const auto& [scope, held] : hold->held()) {
        HeldRemovals one{scope_name(scope), held.reason, held.since, {}};
        if (const auto of_node = kept.find(scope); of_node != kept.end()) {
            one.machines.insert(kept.extract(of_node));
        }
        all.push_back(std::move(one));
    }
    // The whole cluster's comes first.
    if (!all.empty() && all.front().name == kClusterName) all.front().machines = std::move(kept);
    return all;
}

void write_hold(json::Value& map, const RemovalHold& hold, const ObjectsByMachine& kept) {
    json::Value& data = map.ensure_path({"data"});
    data.set("record", json::Value::of(hold.encode()));
    json::Value objects = json::Value::make_object();
    for (const auto& [machine, count] : kept) {
        objects.set(machine, json::Value::of(static_cast<std::int64_t>(count)));
    }
    data.set("kept", json::Value::of(objects.dump()));
}

std::vector<std::string> confirmed_names(const json::Value& map) {
    std::vector<std::string> names;
    std::string_view rest = object::annotation(map, kConfirmAnnotation).value_or("");
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(','), rest.size());
        if (end > 0) names.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return names;
}

void set_confirmed_names(json::Value& map, const std::vector<std::string>& names) {
    if (!names.empty()) {
        object::set_annotation(map, kConfirmAnnotation, fmt::format("{}", fmt::join(names, ",")));
        return;
    }
    json::Value* annotations = map.at_path({"metadata", "annotations"});
    if (annotations != nullptr && annotations->is_object()) annotations->erase(kConfirmAnnotation);
}

}  // namespace farhold::views
