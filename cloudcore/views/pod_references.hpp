// SPDX-License-Identifier: Apache-2.0
//
// Pure: the objects that a machine must have to run a Pod. This decides what a machine may read, so
// of what is secret it names exactly what the Pod names, as Kubernetes' Node authorizer does.
#pragma once

#include "common/json/value.hpp"
#include "common/object/object_key.hpp"

#include <set>

namespace farhold::views {

// ConfigMaps, Secrets and the ServiceAccount, in the Pod's namespace; they need not exist.
std::set<object::ObjectKey> references_of_pod(const json::Value& pod);

// The Services that it is told of: the API server's, and unless it wants none all of its namespace.
std::set<object::ObjectKey> services_of_pod(const json::Value& pod);

// Stands for all Services of a namespace.
object::ObjectKey services_of(std::string ns);

}  // namespace farhold::views
