// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/kinds.hpp"

#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::kubeschema {

Registry Registry::built_in() {
    Registry registry;
    registry.add(make_config_map_type());
    registry.add(make_event_type());
    registry.add(make_namespace_type());
    registry.add(make_node_type());
    registry.add(make_pod_type());
    registry.add(make_secret_type());
    registry.add(make_service_account_type());
    registry.add(make_self_review_type());
    registry.add(make_access_review_type());
    registry.add(make_rules_review_type());
    registry.add(make_lease_type());
    return registry;
}

ResourceType make_type(std::string_view kind, std::string_view plural, std::string_view singular) {
    ResourceType type;
    type.version = "v1";
    type.kind = kind;
    type.list_kind = fmt::format("{}List", kind);
    type.plural = plural;
    type.singular = singular;
    type.verbs = {"create", "delete", "deletecollection", "get",
                  "list",   "patch",  "update",           "watch"};
    type.message = FieldTable::built_in().find(kind);
    return type;
}

Subresource status_subresource() {
    return {.name = "status", .verbs = {"get", "patch", "update"}};
}

Column name_column() {
    return {
        .name = "Name",
        .format = "name",
        .description = "Name must be unique within a namespace.",
    };
}

Column age_column() {
    return column("Age", "Time since the object was created.");
}

Column column(std::string_view name, std::string_view description) {
    return {.name = std::string(name), .description = std::string(description)};
}

Column wide_column(std::string_view name, std::string_view description) {
    Column result = column(name, description);
    result.priority = 1;
    return result;
}

json::Value age_cell(const json::Value& object, WallTime now) {
    return json::Value::of(object::human_age(object::creation_timestamp(object), now));
}

json::Value text_cell(const json::Value& object, json::Path path, std::string_view missing) {
    const std::string_view text = object.text_at(path);
    return json::Value::of(text.empty() ? missing : text);
}

const json::Array& list_at(const json::Value& object, json::Path path) {
    static const json::Array empty;
    const json::Value* list = object.at_path(path);
    return list != nullptr && list->is_array() ? list->array() : empty;
}

void set_default(json::Value& object, std::string_view key, json::Value value) {
    if (object.find(key) == nullptr) {
        object.set(key, std::move(value));
    }
}

}  // namespace farhold::kubeschema
