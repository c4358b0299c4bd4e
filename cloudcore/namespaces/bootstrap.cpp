// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/namespaces/bootstrap.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace farhold::namespaces {

Task<Result<void>> create_default_namespaces(kubeapi::KubeClient& client) {
    static constexpr std::array<std::string_view, 4> kNames = {
        "kube-system", "default", "kube-public", "kube-node-lease"
    };
    for (const std::string_view name : kNames) {
        json::Value object = json::Value::make_object();
        object.ensure_path({"metadata", "name"}) = json::Value::of(name);
        const Result<json::Value> created =
            co_await client.create(kubeapi::kNamespaces, "", std::move(object));
        if (!created && created.error().code() != ErrorCode::already_exists) {
            co_return fail(created.error().within("create namespace " + std::string(name)));
        }
    }
    co_return Result<void>();
}

}  // namespace farhold::namespaces
