// SPDX-License-Identifier: Apache-2.0
//
// What create, update and patch share: whether the object's namespace takes it, and the way of an
// object from a client's body to one that is valid and complete.
#pragma once

#include "common/kuberest/object_access.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace farhold::kuberest {

// The namespace of the target must exist and, for something new, not be going away.
ApiResult<> check_namespace(const Call& call, std::string_view name, bool creating);

// Namespaces that a cluster cannot do without may not be deleted.
ApiResult<> check_deletable(const Call& call);

// Name and namespace of a changed object must be those of the URL; missing ones are filled in.
ApiResult<> check_identity(const Call& call, json::Value& object);

// What a client's object had and its kind has not; `duplicates` come from parsing.
struct FieldFindings {
    std::vector<std::string> unknown;
    std::vector<std::string> duplicates;

    // `unknown field "spec.foo", duplicate field "spec.bar"` as single sentences.
    std::vector<std::string> sentences() const;
};

// Types, unknown fields, defaults. Strict refuses findings, Warn answers them as warnings.
ApiResult<std::vector<std::string>> complete_object(
    const ResourceType& type, json::Value& object, FieldFindings findings,
    FieldValidation validation
);

struct UpdateInput {
    const StoredObject& current;
    json::Value updated;
    WriteOptions options;
    std::vector<std::string> warnings;
};

// Checks the update, stores it unless it changes nothing, and ends an object that was waiting for
// its last finalizer.
ApiResult<Response> finish_update(const Call& call, UpdateInput input);

// What the object says beside others that are stored now.
kubeschema::FieldErrors check_references(const Call& call, const json::Value& object);

// A new object; the body is complete. Used by POST and by PUT where the kind allows it.
ApiResult<Response> finish_create(
    const Call& call, json::Value object, const WriteOptions& options,
    const std::vector<std::string>& warnings
);

}  // namespace farhold::kuberest
