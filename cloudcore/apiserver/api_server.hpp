// SPDX-License-Identifier: Apache-2.0
//
// The embedded Kubernetes API of a standalone cloudcore: HTTPS with client certificates in front of
// common/kuberest, the store behind it, and a client for our own controllers. Runs on one executor
// and the store's thread. State: DIR/state.db, the certificates and DIR/admin.kubeconfig.
#pragma once

#include "cloudcore/reach/node_streams.hpp"
#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/net/peer.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace farhold::apiserver {

class ApiServer {
public:
    // Opens the store, makes missing certificates, binds, and writes the kubeconfig. `dir` is held
    // by the caller and, like the clock and the metrics, outlives it. Runs on the caller's executor.
    static Task<Result<std::unique_ptr<ApiServer>>> start(
        const datadir::DataDir& dir, net::Endpoint listen, const Clock& clock,
        metrics::Registry& metrics, log::Logger logger
    );
    ApiServer(const ApiServer&) = delete;
    ApiServer& operator=(const ApiServer&) = delete;
    // stop() must have ended.
    ~ApiServer();

    // For controllers; they must end before stop() is called.
    kubeapi::KubeClient& client();

    // What machines answer (logs, exec, ...) goes there; until then, and with nullptr again, no machine
    // is connected. Must outlive the requests that go there: stop() or nullptr, then wait for them.
    void reach_machines(reach::NodeStreams* machines);

    std::uint16_t port() const;
    const std::string& ca_pem() const;

    // Stops accepting, ends watches, lets requests finish, and leaves the store committed.
    Task<> stop(Duration grace);

private:
    struct Impl;
    explicit ApiServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::apiserver
