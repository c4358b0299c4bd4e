// SPDX-License-Identifier: Apache-2.0
//
// Pure: which definitions are taken: names, versions, structural schemas, columns.
#pragma once

#include "common/json/value.hpp"
#include "common/kubeschema/field_errors.hpp"

#include <string>

namespace farhold::kubecrd {

void validate_definition(const json::Value& definition, kubeschema::FieldErrors& errors);

// What clients rely on may not change while it is served.
void validate_definition_update(
    const json::Value& updated, const json::Value& current, kubeschema::FieldErrors& errors
);

// Whether a schema is structural, and can be read.
void check_schema(
    const json::Value& document, const std::string& path, kubeschema::FieldErrors& errors
);

}  // namespace farhold::kubecrd
