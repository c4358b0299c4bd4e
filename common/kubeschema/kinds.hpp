// SPDX-License-Identifier: Apache-2.0
//
// Pure: the entries of the built-in kinds, and what their files share.
#pragma once

#include "common/kubeschema/registry.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace farhold::kubeschema {

ResourceType make_access_review_type();
ResourceType make_config_map_type();
ResourceType make_event_type();
ResourceType make_lease_type();
ResourceType make_namespace_type();
ResourceType make_node_type();
ResourceType make_pod_type();
ResourceType make_rules_review_type();
ResourceType make_secret_type();
ResourceType make_self_review_type();
ResourceType make_service_account_type();

// Verbs, fields and list kind, as nearly all kinds have them.
ResourceType make_type(std::string_view kind, std::string_view plural, std::string_view singular);
Subresource status_subresource();

Column name_column();
Column age_column();
Column column(std::string_view name, std::string_view description);
Column wide_column(std::string_view name, std::string_view description);

json::Value age_cell(const json::Value& object, WallTime now);
// `missing` when there is no such text or it is empty.
json::Value text_cell(const json::Value& object, json::Path path, std::string_view missing = {});

// The list at a path, empty when there is none.
const json::Array& list_at(const json::Value& object, json::Path path);

// Sets a member that is not there.
void set_default(json::Value& object, std::string_view key, json::Value value);

}  // namespace farhold::kubeschema
