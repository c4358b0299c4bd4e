// SPDX-License-Identifier: Apache-2.0
//
// The kubelet of all machines: an HTTPS server that asks the cluster who may, finds the machine, and
// lets it answer through its tunnel. Runs on one executor; keeps nothing on disk.
#pragma once

#include "cloudcore/kubelet/access_reviews.hpp"
#include "cloudcore/kubelet/kubelet_route.hpp"
#include "cloudcore/reach/node_calls.hpp"
#include "common/async/task.hpp"
#include "common/async/task_group.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/log/log.hpp"
#include "common/log/trouble.hpp"
#include "common/net/http_server.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace farhold::kubelet {

// The server's certificate and key; what it says of clients is of no account.
using ServerIdentity = std::function<net::TlsServerConfig()>;

class KubeletServer {
public:
    // The references must outlive it.
    KubeletServer(
        Executor executor, kubeapi::KubeClient& client, reach::NodeStreams& machines,
        const Clock& clock, log::Logger logger
    );

    // Binds at once. Until the cluster's CA of clients is known nobody is let in.
    Result<> start(net::Endpoint listen, ServerIdentity identity);
    Task<> stop(Duration grace);

    [[nodiscard]] std::uint16_t port() const { return server_->port(); }
    [[nodiscard]] const reach::NodeCallCounters& counters() const { return calls_.counters(); }

private:
    net::TlsServerConfig tls() const;
    Task<> keep_tls();
    Task<Result<std::string>> read_client_ca();
    Task<> serve(net::HttpExchange& exchange);
    Task<Result<Asker>> identify(net::HttpExchange& exchange, bool takes_tokens);
    Task<Result<reach::NodeCall>> admit(net::HttpExchange& exchange);

    Executor executor_;
    kubeapi::KubeClient& client_;
    const Clock& clock_;
    log::Logger logger_;
    log::Trouble unknown_ca_;
    AccessReviews reviews_;
    reach::NodeCalls calls_;
    ServerIdentity identity_;
    std::string client_ca_pem_;
    TaskGroup group_;
    std::unique_ptr<net::HttpServer> server_;
};

}  // namespace farhold::kubelet
