// SPDX-License-Identifier: Apache-2.0
//
// The Kubernetes client of our own controllers beside the embedded API: the same requests through
// the same queue as kubectl's, without sockets.
#pragma once

#include "cloudcore/apiserver/store_queue.hpp"
#include "common/kubeapi/rest_objects.hpp"

#include <string>

namespace farhold::apiserver {

class EmbeddedClient final : public kubeapi::RestObjects {
public:
    // All must outlive it and its watches.
    EmbeddedClient(Executor executor, StoreQueue& queue, const Clock& clock);

    Task<Result<std::unique_ptr<kubeapi::WatchStream>>> watch(
        kubeapi::ResourceRef resource, kubeapi::ListOptions options, std::string resource_version
    ) override;

private:
    Task<Result<json::Value>> ask(kubeapi::RestRequest request) override;

    Executor executor_;
    StoreQueue& queue_;
    const Clock& clock_;
};

}  // namespace farhold::apiserver
