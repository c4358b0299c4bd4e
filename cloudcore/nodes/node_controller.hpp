// SPDX-License-Identifier: Apache-2.0
//
// Drives node_lifecycle in standalone mode: follows Nodes and their Leases, writes what is due. Runs
// on the loop; keeps nothing on disk.
#pragma once

#include "cloudcore/nodes/node_lifecycle.hpp"
#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/informer.hpp"
#include "common/kubeapi/named_objects.hpp"
#include "common/log/trouble.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace farhold::nodes {

class NodeController {
public:
    NodeController(
        Executor executor, kubeapi::KubeClient& client, const Clock& clock, log::Logger logger
    );
    ~NodeController();

    // Runs in the group until that is cancelled; must outlive it.
    void start(TaskGroup& group);

    // Since the start: how often a node fell silent.
    [[nodiscard]] std::uint64_t silences() const { return silences_; }

private:
    class LeaseHandler;

    Task<> decide_loop();
    Task<> write(NodeChange change);
    Task<> patch_node(const std::string& name, std::string subresource, json::Value body);
    Task<> mark_pods_not_ready(std::string node);

    kubeapi::KubeClient& client_;
    const Clock& clock_;
    log::Logger logger_;
    log::Trouble unwritten_;
    std::uint64_t silences_ = 0;
    NodeLifecycle lifecycle_;
    Event changed_;
    kubeapi::NamedObjects node_handler_;
    std::unique_ptr<LeaseHandler> lease_handler_;
    kubeapi::Informer nodes_;
    kubeapi::Informer leases_;
};

}  // namespace farhold::nodes
