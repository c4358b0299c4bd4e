// SPDX-License-Identifier: Apache-2.0
//
// Binds pods to nodes in standalone mode. Follows nodes and pods, asks pod_placement and writes the
// binding; a pod that fits nowhere gets condition PodScheduled=False and an event, and is tried again
// when something changes. Runs on the loop; keeps nothing on disk.
#pragma once

#include "cloudcore/scheduler/pod_placement.hpp"
#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/async/task_group.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/informer.hpp"
#include "common/kubeapi/named_objects.hpp"
#include "common/log/trouble.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace farhold::scheduler {

class Scheduler {
public:
    Scheduler(
        Executor executor, kubeapi::KubeClient& client, const Clock& clock, log::Logger logger
    );
    ~Scheduler();

    // Runs in the group until that is cancelled; must outlive it.
    void start(TaskGroup& group);

    // Since the start.
    [[nodiscard]] std::uint64_t bound() const { return bound_; }
    [[nodiscard]] std::uint64_t failed() const { return failed_; }
    // Pods that have no node.
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

private:
    struct Waiting {
        kubeapi::ObjectPtr pod;
        std::string told;  // The message that the pod's condition carries.
    };
    class PodHandler;

    void pod_changed(const kubeapi::ObjectPtr& pod);
    void pod_removed(const kubeapi::ObjectPtr& pod);
    Task<> decide_loop();
    Task<> schedule_waiting();
    Task<> bind(const json::Value& pod, const std::string& node);
    Task<> refuse(Waiting& waiting, const std::string& message);
    Task<> set_condition(const json::Value& pod, const std::string& message);
    Task<> record(
        const json::Value& pod, std::string_view type, std::string_view reason, std::string message
    );

    kubeapi::KubeClient& client_;
    const Clock& clock_;
    log::Logger logger_;
    log::Trouble unbound_;
    std::uint64_t bound_ = 0;
    std::uint64_t failed_ = 0;
    Cluster cluster_;
    std::map<std::string, Waiting> waiting_;  // By pod uid.
    Event changed_;
    kubeapi::NamedObjects node_handler_;
    std::unique_ptr<PodHandler> pod_handler_;
    kubeapi::Informer nodes_;
    kubeapi::Informer pods_;
};

}  // namespace farhold::scheduler
