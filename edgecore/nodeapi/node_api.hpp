// SPDX-License-Identifier: Apache-2.0
//
// What a kubelet serves on its port, served in streams of the tunnel instead: container logs, exec,
// attach and port-forward (put through to the container runtime's own stream server), and what
// monitoring asks of a node. Only about pods of this machine's own view. Runs on the loop; files are
// read on the thread for file work. Keeps nothing.
#pragma once

#include "common/async/task.hpp"
#include "common/async/worker_thread.hpp"
#include "common/base/time.hpp"
#include "common/json/value.hpp"
#include "common/log/log.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/http_server.hpp"
#include "edgecore/runtime/container_runtime.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::nodeapi {

// What it works with; outlives it. The functions are called on the loop.
struct NodeServices {
    Executor executor;
    runtime::ContainerRuntime& runtime;
    WorkerThread& files;
    const Clock& clock;
    std::string node_name;
    std::string pod_log_root;  // "/var/log/pods"

    // Pods of the view, each with the status that this machine reports.
    std::function<std::vector<json::Value>()> pods;
    std::function<json::Value(std::string_view ns, std::string_view name)> pod;  // Or null.
    // kubelet's configuration, as far as it means something here.
    std::function<json::Value()> configuration;
    std::function<std::string()> metrics;
    log::Logger log;
};

class NodeApi {
public:
    explicit NodeApi(NodeServices services);
    NodeApi(const NodeApi&) = delete;
    NodeApi& operator=(const NodeApi&) = delete;
    ~NodeApi();

    // Until cancelled; without it followers of logs are told of new lines late.
    Task<> run();

    // One request on one stream. Any number at the same time.
    Task<> serve(std::unique_ptr<net::ByteStream> stream);

private:
    Task<> answer(net::HttpExchange& exchange);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::nodeapi
