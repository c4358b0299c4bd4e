// SPDX-License-Identifier: Apache-2.0
#include "common/kubeapi/kube_client.hpp"

#include <utility>

namespace farhold::kubeapi {

Task<Result<ListedWatch>> KubeClient::list_and_watch(ResourceRef resource, ListOptions options) {
    auto listed = co_await list(std::move(resource), std::move(options));
    if (!listed) co_return fail(listed.error());
    co_return ListedWatch{std::move(*listed), nullptr};
}

}  // namespace farhold::kubeapi
