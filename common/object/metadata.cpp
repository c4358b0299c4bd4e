// SPDX-License-Identifier: Apache-2.0
#include "common/object/metadata.hpp"

namespace farhold::object {
namespace {

const json::Value* map_in_metadata(const json::Value& object, std::string_view field) {
    const json::Value* map = object.at_path({"metadata", field});
    return map != nullptr && map->is_object() ? map : nullptr;
}

std::optional<std::string_view> text_in(const json::Value* map, std::string_view key) {
    const json::Value* value = map != nullptr ? map->find(key) : nullptr;
    return value != nullptr ? value->string() : std::nullopt;
}

}  // namespace

std::string_view api_version(const json::Value& object) {
    return object.text_at({"apiVersion"});
}

std::string_view kind(const json::Value& object) {
    return object.text_at({"kind"});
}

std::string_view name(const json::Value& object) {
    return object.text_at({"metadata", "name"});
}

std::string_view ns(const json::Value& object) {
    return object.text_at({"metadata", "namespace"});
}

std::string_view uid(const json::Value& object) {
    return object.text_at({"metadata", "uid"});
}

std::string_view resource_version(const json::Value& object) {
    return object.text_at({"metadata", "resourceVersion"});
}

std::int64_t generation(const json::Value& object) {
    return object.integer_at({"metadata", "generation"});
}

std::string_view creation_timestamp(const json::Value& object) {
    return object.text_at({"metadata", "creationTimestamp"});
}

std::string_view deletion_timestamp(const json::Value& object) {
    return object.text_at({"metadata", "deletionTimestamp"});
}

bool is_deleting(const json::Value& object) {
    return !deletion_timestamp(object).empty();
}

const json::Value* labels(const json::Value& object) {
    return map_in_metadata(object, "labels");
}

const json::Value* annotations(const json::Value& object) {
    return map_in_metadata(object, "annotations");
}

std::optional<std::string_view> label(const json::Value& object, std::string_view key) {
    return text_in(labels(object), key);
}

std::optional<std::string_view> annotation(const json::Value& object, std::string_view key) {
    return text_in(annotations(object), key);
}

void set_label(json::Value& object, std::string_view key, std::string_view value) {
    object.ensure_path({"metadata", "labels"}).set(key, json::Value::of(value));
}

void set_annotation(json::Value& object, std::string_view key, std::string_view value) {
    object.ensure_path({"metadata", "annotations"}).set(key, json::Value::of(value));
}

std::vector<std::string> finalizers(const json::Value& object) {
    std::vector<std::string> result;
    const json::Value* list = object.at_path({"metadata", "finalizers"});
    if (list != nullptr && list->is_array()) {
        for (const json::Value& element : list->array()) {
            if (const auto text = element.string()) {
                result.emplace_back(*text);
            }
        }
    }
    return result;
}

std::vector<OwnerReference> owner_references(const json::Value& object) {
    std::vector<OwnerReference> result;
    const json::Value* list = object.at_path({"metadata", "ownerReferences"});
    if (list != nullptr && list->is_array()) {
        for (const json::Value& owner : list->array()) {
            result.push_back({
                .api_version = std::string(owner.text_at({"apiVersion"})),
                .kind = std::string(owner.text_at({"kind"})),
                .name = std::string(owner.text_at({"name"})),
                .uid = std::string(owner.text_at({"uid"})),
                .controller = owner.bool_at({"controller"}),
                .block_owner_deletion = owner.bool_at({"blockOwnerDeletion"}),
            });
        }
    }
    return result;
}

const json::Value* find_condition(const json::Value& object, std::string_view type) {
    const json::Value* conditions = object.at_path({"status", "conditions"});
    if (conditions == nullptr || !conditions->is_array()) {
        return nullptr;
    }
    for (const json::Value& condition : conditions->array()) {
        if (condition.text_at({"type"}) == type) {
            return &condition;
        }
    }
    return nullptr;
}

bool condition_is_true(const json::Value& object, std::string_view type) {
    const json::Value* condition = find_condition(object, type);
    return condition != nullptr && condition->text_at({"status"}) == "True";
}

}  // namespace farhold::object
