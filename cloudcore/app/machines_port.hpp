// SPDX-License-Identifier: Apache-2.0
//
// The machines' side: enrolment and the hub behind one port.
#pragma once

#include "cloudcore/enrolment/enrolment.hpp"
#include "cloudcore/enrolment/hub_credentials.hpp"
#include "cloudcore/hub/hub.hpp"
#include "cloudcore/reach/node_streams.hpp"
#include "common/async/task_group.hpp"
#include "common/metrics/samples.hpp"
#include "common/net/http_server.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace farhold::cloud {

class MachinesPort final : public reach::NodeStreams {
public:
    // The references must outlive it.
    MachinesPort(
        const Executor& executor, const std::string& cluster_uid, std::vector<net::Endpoint> hubs,
        enrolment::HubCredentials& credentials, kubeapi::KubeClient& client, const Clock& clock,
        const log::Logger& logger, hub::ViewFeed::Options options
    );

    // Before start(): where an API server finds the kubelet of all machines.
    void announce(hub::KubeletEndpoint kubelet) { hub_.announce(std::move(kubelet)); }

    Task<Result<>> start(const Executor& executor, net::Endpoint listen);
    // Sessions and requests have that long to end.
    Task<> stop(Duration grace);

    Task<Result<std::unique_ptr<net::ByteStream>>> open(std::string node, streams::StreamClass cls)
        override {
        co_return co_await hub_.open_stream(std::move(node), cls);
    }

    void collect(metrics::Samples& samples) const;

private:
    hub::MachineAccess access();
    Task<Result<hub::KnownMachine>> identify(net::PeerIdentity peer);
    Task<> serve(net::HttpExchange& exchange);
    void replace(net::TlsServerConfig tls);
    Task<> end_group();

    enrolment::HubCredentials& credentials_;
    const Clock& clock_;
    enrolment::Enrolment enrolment_;
    hub::Hub hub_;
    TaskGroup group_;
    std::unique_ptr<net::HttpServer> server_;
};

}  // namespace farhold::cloud
