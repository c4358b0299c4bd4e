// SPDX-License-Identifier: Apache-2.0
//
// The verbs of KubeObjects for any transport: what is asked and how an answer is read stands in
// rest_requests.hpp, only the way there differs.
#pragma once

#include "common/kubeapi/kube_client.hpp"
#include "common/kubeapi/rest_requests.hpp"

#include <string>

namespace farhold::kubeapi {

class RestObjects : public KubeClient {
public:
    Task<Result<json::Value>> get(ResourceRef resource, std::string ns, std::string name) override;
    Task<Result<ListResult>> list(ResourceRef resource, ListOptions options) override;
    Task<Result<json::Value>> create(
        ResourceRef resource, std::string ns, json::Value object, std::string subresource
    ) override;
    Task<Result<json::Value>> update(
        ResourceRef resource, std::string ns, json::Value object, std::string subresource
    ) override;
    Task<Result<json::Value>> patch(
        ResourceRef resource, std::string ns, std::string name, Patch patch
    ) override;
    Task<Result<void>> remove(
        ResourceRef resource, std::string ns, std::string name, DeleteOptions options
    ) override;

private:
    // One request and what read_answer() makes of its answer.
    virtual Task<Result<json::Value>> ask(RestRequest request) = 0;
};

}  // namespace farhold::kubeapi
