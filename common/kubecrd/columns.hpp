// SPDX-License-Identifier: Apache-2.0
//
// Pure: the printer columns of a custom resource.
#pragma once

#include "common/json/value.hpp"
#include "common/kubeschema/registry.hpp"

namespace farhold::kubecrd {

// `version`: an element of spec.versions.
void set_columns(kubeschema::ResourceType& type, const json::Value& version);

}  // namespace farhold::kubecrd
