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

// A complaint about its form is put on `list`, one about its kind on `element`.
void validate_finalizer(
    const std::string& finalizer, const std::string& list, const std::string& element,
    FieldErrors& errors
);

// Also used for the labels in node selectors.
void validate_labels(const json::Value* labels, const std::string& field, FieldErrors& errors);

}  // namespace farhold::kubeschema
