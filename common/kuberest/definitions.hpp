// SPDX-License-Identifier: Apache-2.0
//
// Keeps the registry in step with the CustomResourceDefinitions in the store, at once and in the same
// transaction: what is established is served, what is deleted ends with its instances. What the
// registry says of custom resources can always be made again from the store.
#pragma once

#include "common/base/error.hpp"
#include "common/kuberest/object_access.hpp"

namespace farhold::kuberest {

// Registers what the store has; before the first request, and again after a rollback.
Result<void> load_definitions(kubestore::Store& store, kubeschema::Registry& registry);

// Follows what a request has done to definitions, or to the last instance of one that is going away.
ApiResult<> follow_definitions(const Call& call, kubeschema::Registry& registry);

}  // namespace farhold::kuberest
