// SPDX-License-Identifier: Apache-2.0
//
// Short ways to the built-in kinds for the tests of this folder.
#pragma once

#include "common/kubeschema/registry.hpp"
#include "common/kubeschema/writes.hpp"
#include "tests/support/catch.hpp"

#include <string>
#include <vector>

namespace farhold::kubeschema {

inline json::Value parse_json(std::string_view text) {
    auto value = json::Value::parse(text);
    INFO(text);
    REQUIRE(value);
    return std::move(*value);
}

inline const ResourceType& type_of(std::string_view kind) {
    static const Registry registry = Registry::built_in();
    const auto type = registry.find_kind(kind == "Lease" ? "coordination.k8s.io" : "", "v1", kind);
    REQUIRE(type);
    return *type;
}

// The object as it would stand in the store.
inline json::Value created(std::string_view kind, std::string_view text) {
    const ResourceType& type = type_of(kind);
    json::Value object = parse_json(text);
    std::vector<std::string> unknown;
    const auto conformed = conform(type, object, unknown);
    INFO((conformed ? "" : conformed.error().message()));
    REQUIRE(conformed);
    apply_defaults(type, object);
    prepare_create(type, object);
    if (type.namespaced) {
        object.ensure_path({"metadata"}).set("namespace", json::Value::of("default"));
    }
    object.ensure_path({"metadata"}).set("uid", json::Value::of("uid-1"));
    object.ensure_path({"metadata"}).set("resourceVersion", json::Value::of("7"));
    object.ensure_path({"metadata"})
        .set("creationTimestamp", json::Value::of("2026-01-01T00:00:00Z"));
    return object;
}

inline std::vector<std::string> texts(const FieldErrors& errors) {
    std::vector<std::string> result;
    for (const FieldError& error : errors) {
        result.push_back(error.text());
    }
    return result;
}

inline std::vector<std::string> creation_errors(std::string_view kind, std::string_view text) {
    return texts(validate_create(type_of(kind), created(kind, text)));
}

// `change` edits a copy of the stored object; the errors of writing that copy.
template <class Change>
std::vector<std::string> update_errors(
    std::string_view kind, const json::Value& stored, Part part, Change change
) {
    json::Value updated = stored;
    change(updated);
    std::vector<std::string> unknown;
    REQUIRE(conform(type_of(kind), updated, unknown));
    apply_defaults(type_of(kind), updated);
    prepare_update(type_of(kind), updated, stored, part);
    return texts(validate_update(type_of(kind), updated, stored, part));
}

using Texts = std::vector<std::string>;

}  // namespace farhold::kubeschema
