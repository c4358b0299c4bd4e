// SPDX-License-Identifier: Apache-2.0
//
// Pure: what holds for the metadata of every kind.
#pragma once

#include "common/kubeschema/registry.hpp"

#include <string>

namespace farhold::kubeschema {

void validate_metadata(const ResourceType& type, const json::Value& object, FieldErrors& errors);
void validate_metadata_update(
    const ResourceType& type, const json::Value& updated, const json::Value& current,
    FieldErrors& errors
);

// Also used for the labels in node selectors.
void validate_labels(const json::Value* labels, const std::string& field, FieldErrors& errors);

}  // namespace farhold::kubeschema
