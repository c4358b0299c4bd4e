// SPDX-License-Identifier: Apache-2.0
//
// A Kubernetes client that asks another one; tests override what is to go wrong.
#pragma once

#include "common/kubeapi/kube_client.hpp"

#include <memory>
#include <string>
#include <utility>

namespace farhold::test {

class ForwardingClient : public kubeapi::KubeClient {
public:
    explicit ForwardingClient(kubeapi::KubeClient& api) : api_(api) {}

    Task<Result<json::Value>> get(kubeapi::ResourceRef resource, std::string ns, std::string name)
        override {
        return api_.get(std::move(resource), std::move(ns), std::move(name));
    }
    Task<Result<kubeapi::ListResult>> list(
        kubeapi::ResourceRef resource, kubeapi::ListOptions options
    ) override {
        return api_.list(std::move(resource), std::move(options));
    }
    Task<Result<std::unique_ptr<kubeapi::WatchStream>>> watch(
        kubeapi::ResourceRef resource, kubeapi::ListOptions options, std::string resource_version
    ) override {
        return api_.watch(std::move(resource), std::move(options), std::move(resource_version));
    }
    Task<Result<json::Value>> create(
        kubeapi::ResourceRef resource, std::string ns, json::Value object, std::string subresource
    ) override {
        return api_.create(
            std::move(resource), std::move(ns), std::move(object), std::move(subresource)
        );
    }
    Task<Result<json::Value>> update(
        kubeapi::ResourceRef resource, std::string ns, json::Value object, std::string subresource
    ) override {
        return api_.update(
            std::move(resource), std::move(ns), std::move(object), std::move(subresource)
        );
    }
    Task<Result<json::Value>> patch(
        kubeapi::ResourceRef resource, std::string ns, std::string name, kubeapi::Patch patch
    ) override {
        return api_.patch(std::move(resource), std::move(ns), std::move(name), std::move(patch));
    }
    Task<Result<void>> remove(
        kubeapi::ResourceRef resource, std::string ns, std::string name,
        kubeapi::DeleteOptions options
    ) override {
        return api_.remove(std::move(resource), std::move(ns), std::move(name), std::move(options));
    }

private:
    kubeapi::KubeClient& api_;
};

}  // namespace farhold::test
