// SPDX-License-Identifier: Apache-2.0
//
// A Kubernetes API over HTTPS, as a kubeconfig names it, without watches: one connection a request.
// For the command line. Runs on the caller's executor.
#pragma once

#include "common/base/time.hpp"
#include "common/kubeapi/rest_objects.hpp"
#include "common/kubeconfig/kubeconfig.hpp"
#include "common/net/http_client.hpp"
#include "common/net/peer.hpp"
#include "common/net/tls_config.hpp"

#include <string>

namespace farhold::kube {

class HttpObjects final : public kubeapi::RestObjects<kubeapi::KubeObjects> {
public:
    // `path` names the file in errors. `clock` outlives the client.
    static Result<HttpObjects> open(
        const kubeconfig::Kubeconfig& config, const std::string& path, const Clock& clock
    );

private:
    HttpObjects(net::Endpoint server, net::TlsClientConfig tls, std::string token)
        : server_(std::move(server)), tls_(std::move(tls)), token_(std::move(token)) {}

    Task<Result<json::Value>> ask(kubeapi::RestRequest request) override;

    net::Endpoint server_;
    net::TlsClientConfig tls_;
    std::string token_;
};

}  // namespace farhold::kube
