// SPDX-License-Identifier: Apache-2.0
//
// Has Kubernetes mint a ServiceAccount token that ends with the pod. Whether the machine may have it
// is decided before (token_rules.hpp). Runs on the loop; holds nothing, and tokens go into no log.
#pragma once

#include "common/async/task.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/tunnel/messages.hpp"

namespace farhold::hub {

// The answer for the machine: the token, or why there is none and whether to ask again soon.
Task<tunnel::Token> mint_token(kubeapi::KubeObjects& client, tunnel::TokenRequest request);

}  // namespace farhold::hub
