// SPDX-License-Identifier: Apache-2.0
//
// How an object comes to its end, by a DELETE or by an eviction.
#pragma once

#include "common/kuberest/object_access.hpp"
#include "common/kuberest/options.hpp"

#include <string>

namespace farhold::kuberest {

struct Deleted {
    std::string object;  // Its text, as it was or as it waits for its end.
    std::string uid;
    bool removed = false;
};

// Whether it is the object that the client means.
ApiResult<> check_preconditions(
    const Call& call, const DeletionOptions& options, const StoredObject& current
);

// Deletes the object or lets it wait for its grace period and its finalizers. What waits already may
// be given less time.
ApiResult<Deleted> delete_one(
    const Call& call, const DeletionOptions& options, const StoredObject& current
);

}  // namespace farhold::kuberest
