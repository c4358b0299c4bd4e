// SPDX-License-Identifier: Apache-2.0
//
// Pure: CustomResourceDefinition as a kind, and what a definition makes: the resource types of its
// versions. Definitions are objects in the store like any other; the registry's entries follow them.
#pragma once

#include "common/json/value.hpp"
#include "common/kubeschema/registry.hpp"

#include <vector>

namespace farhold::kubecrd {

kubeschema::ResourceType make_definition_type();

// The types of the versions that are served, the preferred one first. The definition is one that the
// API has taken.
std::vector<kubeschema::ResourceType> resource_types(const json::Value& definition);

}  // namespace farhold::kubecrd
