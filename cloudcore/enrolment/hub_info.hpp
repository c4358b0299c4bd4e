// SPDX-License-Identifier: Apache-2.0
//
// What whoever makes a token must know of the hub, published as ConfigMap kube-system/farhold-hub:
// the CA that machines pin, and where they connect.
#pragma once

#include "common/async/task.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/net/peer.hpp"

#include <string>
#include <vector>

namespace farhold::enrolment {

struct HubInfo {
    std::string ca_pem;
    std::vector<net::Endpoint> hubs;  // In the order of preference.
};

Task<Result<void>> publish_hub_info(kubeapi::KubeObjects& client, HubInfo info);

// unavailable when no cloudcore has published it yet.
Task<Result<HubInfo>> read_hub_info(kubeapi::KubeObjects& client);

}  // namespace farhold::enrolment
