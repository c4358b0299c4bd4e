// SPDX-License-Identifier: Apache-2.0
#include "common/kubecrd/schema.hpp"

#include <algorithm>

namespace farhold::kubecrd {
namespace {

using json::Value;

std::optional<std::int64_t> limit_of(const Value& document, std::string_view key) {
    const Value* value = document.find(key);
    return value != nullptr ? value->integer() : std::nullopt;
}

std::optional<Bound> bound_of(
    const Value& document, std::string_view key, std::string_view exclusive
) {
    const Value* value = document.find(key);
    if (value == nullptr || !value->is_number()) {
        return std::nullopt;
    }
    return Bound{value->number().value_or(0), value->number_text(), document.bool_at({exclusive})};
}

std::vector<std::string> texts_of(const Value& document, std::string_view key) {
    std::vector<std::string> texts;
    for (const Value& text : document.elements_at({key})) {
        texts.emplace_back(text.string().value_or(""));
    }
    return texts;
}

void read_limits(const Value& document, Schema& schema) {
    schema.minimum = bound_of(document, "minimum", "exclusiveMinimum");
    schema.maximum = bound_of(document, "maximum", "exclusiveMaximum");
    schema.multiple_of = bound_of(document, "multipleOf", "");
    schema.min_length = limit_of(document, "minLength");
    schema.max_length = limit_of(document, "maxLength");
    schema.min_items = limit_of(document, "minItems");
    schema.max_items = limit_of(document, "maxItems");
    schema.min_properties = limit_of(document, "minProperties");
    schema.max_properties = limit_of(document, "maxProperties");
    schema.unique_items = document.bool_at({"uniqueItems"});
    schema.required = texts_of(document, "required");
    schema.choices = document.elements_at({"enum"});
    if (const std::string_view pattern = document.text_at({"pattern"}); !pattern.empty()) {
        if (auto compiled = Pattern::compile(pattern)) {
            schema.pattern = std::move(*compiled);
        }
    }
}

void read_extensions(const Value& document, Schema& schema) {
    schema.int_or_string = document.bool_at({"x-kubernetes-int-or-string"});
    schema.preserve_unknown = document.bool_at({"x-kubernetes-preserve-unknown-fields"});
    schema.embedded_resource = document.bool_at({"x-kubernetes-embedded-resource"});
    schema.list_map_keys = texts_of(document, "x-kubernetes-list-map-keys");
    const std::string_view list_type = document.text_at({"x-kubernetes-list-type"});
    schema.list_type = list_type == "map"   ? ListType::map
                       : list_type == "set" ? ListType::set
                                            : ListType::atomic;
}

// A part of `schema`, which has what the part has anywhere in it.
SchemaPtr read_part(const Value* document, Schema& schema) {
    if (document == nullptr || !document->is_object()) {
        return nullptr;
    }
    SchemaPtr part = Schema::read(*document);
    schema.has_defaults = schema.has_defaults || part->has_defaults;
    return part;
}

std::vector<SchemaPtr> read_parts(const Value& document, std::string_view key, Schema& schema) {
    std::vector<SchemaPtr> parts;
    for (const Value& part : document.elements_at({key})) {
        if (SchemaPtr read = read_part(&part, schema)) {
            parts.push_back(std::move(read));
        }
    }
    return parts;
}

bool is_specified(const Schema& schema, std::string_view name, bool root) {
    const bool resource = root || schema.embedded_resource;
    return resource && (name == "apiVersion" || name == "kind" || name == "metadata");
}

std::string join(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : path + "." + std::string(name);
}

class Pruner {
public:
    explicit Pruner(std::vector<std::string>& removed) : removed_(removed) {}

    void walk(Value& value, const Schema& schema, const std::string& path, bool root) {
        if (value.is_object()) {
            walk_object(value, schema, path, root);
        } else if (value.is_array() && schema.items) {
            for (std::size_t i = 0; i < value.size(); ++i) {
                walk(value.array()[i], *schema.items, path + "[" + std::to_string(i) + "]", false);
            }
        }
    }

private:
    void walk_object(Value& value, const Schema& schema, const std::string& path, bool root) {
        auto& members = value.object();
        std::size_t kept = 0;
        for (std::size_t i = 0; i < members.size(); ++i) {
            json::Member& member = members[i];
            const Schema* inner = schema.find_property(member.key);
            if (inner == nullptr) {
                inner = schema.additional.get();
            }
            const bool known = inner != nullptr || schema.any_additional ||
                               schema.preserve_unknown || is_specified(schema, member.key, root);
            if (!known) {
                report(join(path, member.key));
                continue;
            }
            // The metadata of a resource is checked by other means.
            const bool metadata = root && member.key == "metadata";
            if (inner != nullptr && !metadata) {
                walk(member.value, *inner, join(path, member.key), false);
            }
            if (kept != i) {
                members[kept] = std::move(member);
            }
            ++kept;
        }
        members.resize(kept);
    }

    void report(std::string path) {
        constexpr std::size_t kMaxReported = 100;
        if (removed_.size() < kMaxReported) {
            removed_.push_back(std::move(path));
        }
    }

    std::vector<std::string>& removed_;
};

}  // namespace

const Schema* Schema::find_property(std::string_view name) const {
    const auto found =
        std::ranges::lower_bound(properties, name, {}, &std::pair<std::string, SchemaPtr>::first);
    return found != properties.end() && found->first == name ? found->second.get() : nullptr;
}

SchemaPtr Schema::read(const json::Value& document) {
    auto schema = std::make_shared<Schema>();
    schema->type = document.text_at({"type"});
    schema->format = document.text_at({"format"});
    schema->nullable = document.bool_at({"nullable"});
    read_limits(document, *schema);
    read_extensions(document, *schema);
    if (const Value* value = document.find("default")) {
        schema->default_value = *value;
        schema->has_defaults = true;
    }
    if (const Value* properties = document.find("properties");
        properties != nullptr && properties->is_object()) {
        for (const json::Member& member : properties->object()) {
            if (SchemaPtr part = read_part(&member.value, *schema)) {
                schema->properties.emplace_back(member.key, std::move(part));
            }
        }
        std::ranges::sort(schema->properties, {}, &std::pair<std::string, SchemaPtr>::first);
    }
    schema->items = read_part(document.find("items"), *schema);
    schema->additional = read_part(document.find("additionalProperties"), *schema);
    schema->any_additional = document.bool_at({"additionalProperties"});
    schema->all_of = read_parts(document, "allOf", *schema);
    schema->any_of = read_parts(document, "anyOf", *schema);
    schema->one_of = read_parts(document, "oneOf", *schema);
    schema->negated = read_part(document.find("not"), *schema);
    return schema;
}

void prune(json::Value& object, const Schema& schema, std::vector<std::string>& removed) {
    Pruner(removed).walk(object, schema, "", true);
}

void apply_defaults(json::Value& object, const Schema& schema) {
    if (!schema.has_defaults) {
        return;
    }
    if (object.is_array() && schema.items) {
        for (Value& element : object.array()) {
            apply_defaults(element, *schema.items);
        }
        return;
    }
    if (!object.is_object()) {
        return;
    }
    for (const auto& [name, property] : schema.properties) {
        Value* value = object.find(name);
        if (property->default_value) {
            // null where null is not allowed counts as missing.
            const bool missing = value == nullptr || (value->is_null() && !property->nullable);
            value = missing ? &object.set(name, *property->default_value) : value;
        }
        if (value != nullptr) {
            apply_defaults(*value, *property);
        }
    }
    if (schema.additional) {
        for (json::Member& member : object.object()) {
            if (schema.find_property(member.key) == nullptr) {
                apply_defaults(member.value, *schema.additional);
            }
        }
    }
}

}  // namespace farhold::kubecrd
