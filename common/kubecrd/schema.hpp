// SPDX-License-Identifier: Apache-2.0
//
// Pure: the structural schema of a custom resource, read once from its definition and then asked for
// every write: it removes what it does not know, fills in defaults and complains about the rest in
// Kubernetes' words. Immutable, shared by the versions' resource types and the watches on them.
#pragma once

#include "common/json/value.hpp"
#include "common/kubecrd/pattern.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::kubecrd {

struct Schema;
using SchemaPtr = std::shared_ptr<const Schema>;

enum class ListType : std::uint8_t { atomic, set, map };

struct Bound {
    double value = 0;
    std::string text;  // As it was written.
    bool exclusive = false;
};

struct Schema {
    std::string type;  // Empty where any is allowed.
    std::string format;
    bool nullable = false;
    bool int_or_string = false;
    bool preserve_unknown = false;
    bool embedded_resource = false;
    bool unique_items = false;
    bool has_defaults = false;  // Anywhere in it.

    std::optional<json::Value> default_value;
    std::vector<json::Value> choices;  // enum
    std::optional<Bound> minimum;
    std::optional<Bound> maximum;
    std::optional<Bound> multiple_of;
    std::optional<std::int64_t> min_length, max_length;
    std::optional<std::int64_t> min_items, max_items;
    std::optional<std::int64_t> min_properties, max_properties;
    std::optional<Pattern> pattern;

    std::vector<std::string> required;
    std::vector<std::pair<std::string, SchemaPtr>> properties;
    SchemaPtr items;
    // nullptr with `any_additional`: additionalProperties is true.
    SchemaPtr additional;
    bool any_additional = false;

    std::vector<SchemaPtr> all_of, any_of, one_of;
    SchemaPtr negated;  // not

    ListType list_type = ListType::atomic;
    std::vector<std::string> list_map_keys;

    const Schema* find_property(std::string_view name) const;

    // Of `openAPIV3Schema` or a part of it, which check_schema() has found right; what it has not is
    // left out.
    static SchemaPtr read(const json::Value& document);
};

// Removes fields that the schema does not specify, and adds their paths to `removed`.
void prune(json::Value& object, const Schema& schema, std::vector<std::string>& removed);

// Fills in what is missing and has a default.
void apply_defaults(json::Value& object, const Schema& schema);

}  // namespace farhold::kubecrd
