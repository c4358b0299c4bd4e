// SPDX-License-Identifier: Apache-2.0
//
// Pure: which fields a kind can be selected by, and their text.
#pragma once

#include "common/base/error.hpp"
#include "common/kubeschema/registry.hpp"
#include "common/object/selectors.hpp"

#include <string>
#include <string_view>

namespace farhold::kubeschema {

// invalid_argument with Kubernetes' words when a path is not among the kind's.
Result<void> check_field_selector(const ResourceType& type, const object::FieldSelector& selector);

bool matches_field_selector(
    const ResourceType& type, const object::FieldSelector& selector, const json::Value& object
);

}  // namespace farhold::kubeschema
