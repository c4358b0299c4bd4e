// SPDX-License-Identifier: Apache-2.0
//
// The kinds that Farhold brings to an API without a cluster: those of KubeEdge's devices. Beside a
// cluster Helm installs them from the same files.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/kubeapi/kube_client.hpp"

namespace farhold::definitions {

// Creates the definitions, or gives those that are there the specification of this version.
Task<Result<void>> bring_definitions(kubeapi::KubeObjects& client);

}  // namespace farhold::definitions
