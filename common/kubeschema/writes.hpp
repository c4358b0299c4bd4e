// SPDX-License-Identifier: Apache-2.0
//
// Pure: what happens to an object between a request and the store, for any kind. The API calls, in
// this order:
//   create: conform, apply_defaults, prepare_create, (name, namespace, uid, creationTimestamp),
//           validate_create
//   update: conform, apply_defaults, prepare_update, validate_update
//   read:   nothing, objects are stored with their defaults
// resourceVersion belongs to the store; these functions neither set nor compare it.
#pragma once

#include "common/base/error.hpp"
#include "common/kubeschema/registry.hpp"

#include <string>
#include <vector>

namespace farhold::kubeschema {

// Makes the object look as if Kubernetes' Go types had read and written it: types are checked,
// nulls and empty optional fields go, those that are always written come, quantities become
// canonical, fields that the kind does not have are removed and their paths put into `unknown`. kind
// and apiVersion are there and come first.
// invalid_argument names the kind and the field.
Result<void> conform(
    const ResourceType& type, json::Value& object, std::vector<std::string>& unknown
);

// The same for a message that is no resource, whose errors name the field only.
Result<void> conform_message(
    const MessageType& type, json::Value& object, std::vector<std::string>& unknown
);

// What Go calls the value in its errors: "object", "number".
std::string_view json_type(const json::Value& value);

void apply_defaults(const ResourceType& type, json::Value& object);

// Drops what a client may not set, then the kind's own hook; generation starts at 1.
void prepare_create(const ResourceType& type, json::Value& object);

// Takes the parts that this request may not change from `current`, keeps the metadata that only
// the server sets, and counts the generation.
void prepare_update(
    const ResourceType& type, json::Value& updated, const json::Value& current, Part part
);

FieldErrors validate_create(const ResourceType& type, const json::Value& object);
FieldErrors validate_update(
    const ResourceType& type, const json::Value& updated, const json::Value& current, Part part
);

}  // namespace farhold::kubeschema
