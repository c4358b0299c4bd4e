// SPDX-License-Identifier: Apache-2.0
//
// Pure: the three ways in which Kubernetes' clients patch an object.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"

#include <string_view>

namespace farhold::object {

// RFC 7386.
void merge_patch(json::Value& target, const json::Value& patch);

// RFC 6902, at most `kMaxJsonPatchOperations`. On an error the target is left as it was.
// The result is no deeper than json::ParseLimits allows and copies no more than a request may hold.
// invalid_argument: the patch itself cannot be read; resource_exhausted: too many operations;
// conflict: an operation does not fit the document (a path is missing, a test fails), which
// Kubernetes answers as Invalid. `replace` of an absent member adds it, as upstream does.
inline constexpr std::size_t kMaxJsonPatchOperations = 10'000;
Result<void> json_patch(json::Value& target, const json::Value& patch);

class PatchSchema;

// How one field takes part in a strategic merge.
struct PatchField {
    bool merge = false;                   // A list is merged rather than replaced.
    std::string_view merge_key;           // What identifies an element; empty in lists of scalars.
    const PatchSchema* schema = nullptr;  // Of the object or the elements; null: no rules below.
};

// The rules of one message type; kubeschema's field tables implement it.
class PatchSchema {
public:
    virtual ~PatchSchema() = default;
    virtual PatchField patch_field(std::string_view name) const = 0;
};

// Strategic merge (kube-apiserver's, with $patch, $retainKeys, $deleteFromPrimitiveList and
// $setElementOrder). On an error the target is undefined. invalid_argument: a value does not fit;
// internal: a directive is unknown or a merge key missing, which upstream answers with 500.
Result<void> strategic_merge_patch(
    json::Value& target, const json::Value& patch, const PatchSchema& schema
);

}  // namespace farhold::object
