// SPDX-License-Identifier: Apache-2.0
//
// The Kubernetes client of our own controllers beside the embedded API: the same requests through
// the same queue as kubectl's, without sockets.
#pragma once

#include "cloudcore/apiserver/store_queue.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/kubeapi/rest_requests.hpp"

#include <string>

namespace farhold::apiserver {

class EmbeddedClient final : public kubeapi::KubeClient {
public:
    // All must outlive it and its watches.
    EmbeddedClient(Executor executor, StoreQueue& queue, const Clock& clock);

    Task<Result<json::Value>> get(kubeapi::ResourceRef resource, std::string ns, std::string name)
        override;
    Task<Result<kubeapi::ListResult>> list(
        kubeapi::ResourceRef resource, kubeapi::ListOptions options
    ) override;
    Task<Result<std::unique_ptr<kubeapi::WatchStream>>> watch(
        kubeapi::ResourceRef resource, kubeapi::ListOptions options, std::string resource_version
    ) override;
    Task<Result<json::Value>> create(
        kubeapi::ResourceRef resource, std::string ns, json::Value object, std::string subresource
    ) override;
    Task<Result<json::Value>> update(
        kubeapi::ResourceRef resource, std::string ns, json::Value object, std::string subresource
    ) override;
    Task<Result<json::Value>> patch(
        kubeapi::ResourceRef resource, std::string ns, std::string name, kubeapi::Patch patch
    ) override;
    Task<Result<void>> remove(
        kubeapi::ResourceRef resource, std::string ns, std::string name,
        kubeapi::DeleteOptions options
    ) override;

private:
    Task<Result<json::Value>> ask(kubeapi::RestRequest request);

    Executor executor_;
    StoreQueue& queue_;
    const Clock& clock_;
};

}  // namespace farhold::apiserver
