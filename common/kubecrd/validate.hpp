// SPDX-License-Identifier: Apache-2.0
//
// Pure: complaints about a value that does not fit its schema, in the words of Kubernetes' validator.
#pragma once

#include "common/json/value.hpp"
#include "common/kubecrd/schema.hpp"
#include "common/kubeschema/field_errors.hpp"

#include <string>

namespace farhold::kubecrd {

// `current`: what is stored, nullptr when the object is new. What is wrong with it already and did not
// change is tolerated (KEP-4008).
void validate(
    const json::Value& value, const json::Value* current, const Schema& schema,
    const std::string& path, kubeschema::FieldErrors& errors
);

}  // namespace farhold::kubecrd
