// SPDX-License-Identifier: Apache-2.0
#include "common/kubeapi/rest_objects.hpp"

#include <utility>

namespace farhold::kubeapi {

Task<Result<json::Value>> RestObjects::get(ResourceRef resource, std::string ns, std::string name) {
    co_return co_await ask(get_request(resource, ns, name));
}

Task<Result<ListResult>> RestObjects::list(ResourceRef resource, ListOptions options) {
    ListResult result;
    std::string token;
    do {
        auto page = co_await ask(list_request(resource, options, token));
        if (!page) {
            co_return fail(page.error());
        }
        token = take_page(std::move(*page), options, result);
    } while (!token.empty());
    co_return result;
}

Task<Result<json::Value>> RestObjects::create(
    ResourceRef resource, std::string ns, json::Value object, std::string subresource
) {
    co_return co_await ask(create_request(resource, ns, object, subresource));
}

Task<Result<json::Value>> RestObjects::update(
    ResourceRef resource, std::string ns, json::Value object, std::string subresource
) {
    co_return co_await ask(update_request(resource, ns, object, subresource));
}

Task<Result<json::Value>> RestObjects::patch(
    ResourceRef resource, std::string ns, std::string name, Patch patch
) {
    co_return co_await ask(patch_request(resource, ns, name, patch));
}

Task<Result<void>> RestObjects::remove(
    ResourceRef resource, std::string ns, std::string name, DeleteOptions options
) {
    const auto done = co_await ask(remove_request(resource, ns, name, options));
    if (!done) {
        co_return fail(done.error());
    }
    co_return Result<void>();
}

}  // namespace farhold::kubeapi
