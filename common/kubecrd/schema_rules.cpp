// SPDX-License-Identifier: Apache-2.0
//
// What makes a schema structural: apiextensions-apiserver/pkg/apiserver/schema.
#include "common/kubecrd/definition_rules.hpp"
#include "common/kubecrd/pattern.hpp"
#include "common/kubecrd/schema.hpp"
#include "common/kubecrd/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace farhold::kubecrd {
namespace {

using json::Value;
using kubeschema::FieldErrors;
using kubeschema::forbidden;
using kubeschema::invalid;
using kubeschema::required;

constexpr int kDepthMax = 60;

constexpr auto kTypes =
    std::to_array<std::string_view>({"array", "boolean", "integer", "number", "object", "string"});

void check_type(
    const Value& schema, const std::string& path, std::string_view place, FieldErrors& errors
) {
    const std::string_view type = schema.text_at({"type"});
    const bool free = schema.bool_at({"x-kubernetes-preserve-unknown-fields"}) ||
                      schema.bool_at({"x-kubernetes-int-or-string"});
    if (type.empty() && (!free || place == "at the root")) {
        errors.push_back(required(path + ".type", fmt::format("must not be empty {}", place)));
    } else if (!type.empty() && std::ranges::find(kTypes, type) == kTypes.end()) {
        errors.push_back(kubeschema::unsupported(
            path + ".type", type, {"array", "boolean", "integer", "number", "object", "string"}
        ));
    } else if (place == "at the root" && type != "object") {
        errors.push_back(invalid(path + ".type", type, "must be object at the root"));
    }
    if (!type.empty() && schema.bool_at({"x-kubernetes-int-or-string"})) {
        errors.push_back(
            invalid(path + ".type", type, "must be empty if x-kubernetes-int-or-string is true")
        );
    }
}

void check_forbidden(const Value& schema, const std::string& path, FieldErrors& errors) {
    for (const std::string_view field :
         {"$ref", "definitions", "dependencies", "patternProperties", "additionalItems", "id"}) {
        if (schema.find(field) != nullptr) {
            errors.push_back(forbidden(
                fmt::format("{}.{}", path, field), fmt::format("{} is not supported", field)
            ));
        }
    }
    const Value* additional = schema.find("additionalProperties");
    const Value* properties = schema.find("properties");
    if (additional != nullptr && properties != nullptr) {
        errors.push_back(forbidden(
            path + ".additionalProperties",
            "additionalProperties and properties are mutual exclusive"
        ));
    }
    if (schema.bool_at({"uniqueItems"})) {
        errors.push_back(forbidden(
            path + ".uniqueItems",
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        ));
    }
    if (schema.text_at({"type"}) == "array" && schema.find("items") == nullptr) {
        errors.push_back(required(path + ".items", "must be specified"));
    }
}

void check_list_type(const Value& schema, const std::string& path, FieldErrors& errors) {
    const std::string_view list_type = schema.text_at({"x-kubernetes-list-type"});
    if (list_type.empty()) {
        return;
    }
    if (list_type != "atomic" && list_type != "set" && list_type != "map") {
        errors.push_back(kubeschema::unsupported(
            path + ".x-kubernetes-list-type", list_type, {"atomic", "map", "set"}
        ));
    }
    if (list_type == "map" && schema.elements_at({"x-kubernetes-list-map-keys"}).empty()) {
        errors.push_back(required(
            path + ".x-kubernetes-list-map-keys",
            "must not be empty if x-kubernetes-list-type is map"
        ));
    }
}

void check_values(const Value& schema, const std::string& path, FieldErrors& errors) {
    if (const std::string_view pattern = schema.text_at({"pattern"}); !pattern.empty()) {
        if (const auto compiled = Pattern::compile(pattern); !compiled) {
            errors.push_back(invalid(
                path + ".pattern", pattern,
                fmt::format(
                    "must be a valid regular expression, but isn't: {}", compiled.error().message()
                )
            ));
        }
    }
    if (const Value* value = schema.find("default")) {
        FieldErrors found;
        validate(*value, nullptr, *Schema::read(schema), "", found);
        for (kubeschema::FieldError& error : found) {
            error.field = path + (error.field.empty() ? ".default" : ".default." + error.field);
            errors.push_back(std::move(error));
        }
    }
}

class Walker {
public:
    explicit Walker(FieldErrors& errors) : errors_(errors) {}

    void walk(const Value& schema, const std::string& path, std::string_view place, int depth) {
        if (depth > kDepthMax) {
            errors_.push_back(forbidden(path, "too deep"));
            return;
        }
        check_type(schema, path, place, errors_);
        check_forbidden(schema, path, errors_);
        check_list_type(schema, path, errors_);
        check_values(schema, path, errors_);
        if (const Value* properties = schema.find("properties")) {
            for (const json::Member& member : properties->object()) {
                walk(
                    member.value, fmt::format("{}.properties[{}]", path, member.key),
                    "for specified object fields", depth + 1
                );
            }
        }
        if (const Value* items = schema.find("items")) {
            walk(*items, path + ".items", "for specified array items", depth + 1);
        }
        const Value* additional = schema.find("additionalProperties");
        if (additional != nullptr && additional->is_object()) {
            walk(
                *additional, path + ".additionalProperties", "for specified object fields",
                depth + 1
            );
        }
    }

private:
    FieldErrors& errors_;
};

}  // namespace

void check_schema(
    const json::Value& document, const std::string& path, kubeschema::FieldErrors& errors
) {
    Walker(errors).walk(document, path, "at the root", 0);
}

}  // namespace farhold::kubecrd
