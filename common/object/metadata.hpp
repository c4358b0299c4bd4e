// SPDX-License-Identifier: Apache-2.0
//
// Pure: reading and writing the metadata of a Kubernetes object. Missing or mistyped members read
// as empty, so that callers need no ladder of checks; validation happens elsewhere (kubeschema).
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::object {

// The views live as long as the object is neither changed nor destroyed.
std::string_view api_version(const json::Value& object);
std::string_view kind(const json::Value& object);
std::string_view name(const json::Value& object);
std::string_view ns(const json::Value& object);
std::string_view uid(const json::Value& object);
std::string_view resource_version(const json::Value& object);
std::int64_t generation(const json::Value& object);
std::string_view creation_timestamp(const json::Value& object);
// Empty while nobody has asked for the deletion.
std::string_view deletion_timestamp(const json::Value& object);
bool is_deleting(const json::Value& object);

// Maps of strings, or nullptr when there is none.
const json::Value* labels(const json::Value& object);
const json::Value* annotations(const json::Value& object);
std::optional<std::string_view> label(const json::Value& object, std::string_view key);
std::optional<std::string_view> annotation(const json::Value& object, std::string_view key);
void set_label(json::Value& object, std::string_view key, std::string_view value);
void set_annotation(json::Value& object, std::string_view key, std::string_view value);

std::vector<std::string> finalizers(const json::Value& object);

struct OwnerReference {
    std::string api_version;
    std::string kind;
    std::string name;
    std::string uid;
    bool controller = false;
    bool block_owner_deletion = false;
};
std::vector<OwnerReference> owner_references(const json::Value& object);

// {"type": `type`, ...} in status.conditions, or nullptr.
const json::Value* find_condition(const json::Value& object, std::string_view type);
// Whether that condition has status "True".
bool condition_is_true(const json::Value& object, std::string_view type);

}  // namespace farhold::object
