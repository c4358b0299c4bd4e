// SPDX-License-Identifier: Apache-2.0
//
// Pure: pieces of the parser that pod_spec.cpp puts together. Each adds to `unsupported` what it
// finds and cannot carry out.
#pragma once

#include "common/json/value.hpp"
#include "edgecore/podspec/pod_spec.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace farhold::podspec {

using Unsupported = std::vector<std::string>;

// The elements of a list member; nothing when it is absent or no list.
const json::Array& list_at(const json::Value& object, std::string_view key);
std::vector<std::string> texts_at(const json::Value& object, std::string_view key);
std::string text_of(const json::Value& object, std::string_view key);

// pod_resources.cpp
Result<Resources> parse_resources(const json::Value& container, Unsupported& unsupported);
Resources total_resources(const PodSpec& spec);
QosClass qos_of(const PodSpec& spec);

// pod_security.cpp
SecurityContext parse_security(
    const json::Value& pod_spec, const json::Value& container, Unsupported& unsupported
);
void parse_pod_security(const json::Value& pod_spec, PodSpec& spec);

// pod_volumes.cpp
Result<std::vector<Volume>> parse_volumes(const json::Value& pod_spec, Unsupported& unsupported);
FieldRef parse_field_ref(const json::Value& reference);
ResourceFieldRef parse_resource_ref(const json::Value& reference);

}  // namespace farhold::podspec
