// SPDX-License-Identifier: Apache-2.0
//
// Pure: objects as lists and watches give them, under the kind that was asked for.
#pragma once

#include "common/json/value.hpp"

#include <memory>
#include <string_view>

namespace farhold::views {

// The object if it is of that kind, else a copy of it that is, of v1. Items of a typed list come
// without a kind and metadata as PartialObjectMetadata. Kind and version come first, as servers write
// them, so that an object has one content by whichever way it came.
std::shared_ptr<const json::Value> with_kind(
    const std::shared_ptr<const json::Value>& object, std::string_view kind
);

// What tells an object and its state from others: kind, namespace, name, uid, resourceVersion.
json::Value identity_of(const json::Value& object, std::string_view kind);

}  // namespace farhold::views
