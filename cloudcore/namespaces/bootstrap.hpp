// SPDX-License-Identifier: Apache-2.0
//
// What a cluster has before anybody uses it.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/kubeapi/kube_client.hpp"

namespace farhold::namespaces {

// Namespaces default, kube-system, kube-public and kube-node-lease; those that exist stay as they
// are. The uid of kube-system is the cluster's identity.
Task<Result<void>> create_default_namespaces(kubeapi::KubeClient& client);

}  // namespace farhold::namespaces
