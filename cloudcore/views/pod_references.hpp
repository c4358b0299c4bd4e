// SPDX-License-Identifier: Apache-2.0
//
// Pure: the objects that a machine must have to run a Pod. This decides what a machine may read, so
// it names exactly what the Pod names, as Kubernetes' Node authorizer does.
#pragma once

#include "common/json/value.hpp"
#include "common/object/object_key.hpp"

#include <set>

namespace farhold::views {

// ConfigMaps, Secrets and the ServiceAccount, in the Pod's namespace; they need not exist.
std::set<object::ObjectKey> references_of_pod(const json::Value& pod);

}  // namespace farhold::views
