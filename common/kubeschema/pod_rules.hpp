// SPDX-License-Identifier: Apache-2.0
//
// Pure: the parts of the Pod's entry, one file each.
#pragma once

#include "common/kubeschema/kinds.hpp"

#include <set>
#include <string>

namespace farhold::kubeschema {

void default_pod(json::Value& pod);
// "Guaranteed", "Burstable" or "BestEffort", from requests and limits.
std::string_view qos_class(const json::Value& pod);

void validate_pod(const json::Value& pod, FieldErrors& errors);
void validate_pod_update(
    const json::Value& updated, const json::Value& current, Part part, FieldErrors& errors
);
void validate_tolerations(const json::Value& pod, FieldErrors& errors);
// Collects the names of the volumes, for the mounts.
std::set<std::string> validate_volumes(const json::Value& pod, FieldErrors& errors);
void validate_containers(
    const json::Value& pod, const std::set<std::string>& volumes, FieldErrors& errors
);
// Ports, mounts and images have checks of their own; these are shared with ephemeral containers.
void validate_probe(
    const json::Value& container, std::string_view name, const std::string& field,
    FieldErrors& errors
);
void validate_resources(
    const json::Value& container, const std::string& field, FieldErrors& errors
);

// Members that hold the number of a user or group.
void check_ids(
    const json::Value& context, std::initializer_list<std::string_view> names,
    const std::string& field, FieldErrors& errors
);
void validate_lifecycle(
    const json::Value& container, const std::string& field, FieldErrors& errors
);
// The path of a fieldRef, of which only those in `allowed` may be used; metadata.labels['x'] and the
// like are metadata.labels.
void check_field_path(
    std::string_view path, std::initializer_list<std::string_view> allowed,
    const std::string& field, FieldErrors& errors
);

std::vector<Column> pod_columns();
Cells pod_cells(const json::Value& pod, WallTime now);
json::Value pod_row_conditions(const json::Value& pod);

// "must be between 1 and 65535, inclusive"
bool is_port(std::int64_t number);
// Complains unless the value is among the supported ones; empty is left to others.
void check_choice(
    std::string_view value, std::initializer_list<std::string_view> supported, std::string field,
    FieldErrors& errors
);

}  // namespace farhold::kubeschema
