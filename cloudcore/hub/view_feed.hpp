// SPDX-License-Identifier: Apache-2.0
//
// Keeps the views current: follows the kinds that views are made of and tells the sessions what
// changed. Runs on the loop.
//
// The removal hold's record is kept in ConfigMap kube-system/farhold-removal-hold, so that it outlives
// the hub. Whoever wants what is held to be removed annotates it with farhold.io/confirm=SCOPE, where
// SCOPE is a node's name, or "cluster".
#pragma once

#include "cloudcore/views/cluster_views.hpp"
#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/kubeapi/informer.hpp"
#include "common/log/log.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace farhold::hub {

class ViewFeed {
public:
    // Called after each change; with none when the views have just become whole.
    using Listener = std::function<void(const views::ViewChanges& changes)>;
    // Called when every session must resume by inventory: the cluster went back in time, or a person
    // has released held removals.
    using ResumeAll = std::function<void()>;

    ViewFeed(
        Executor executor, kubeapi::KubeClient& client, std::string cluster_uid, Listener listener,
        ResumeAll resume_all, log::Logger logger
    );
    ~ViewFeed();

    // Reads the removal hold; before start().
    Task<Result<>> load();

    // Runs in the group until that is cancelled; must outlive it.
    void start(TaskGroup& group);

    // Whether every kind was listed once.
    [[nodiscard]] bool ready() const { return waiting_for_ == 0; }
    [[nodiscard]] views::ClusterViews& views() { return *views_; }
    // How many scopes hold removals.
    [[nodiscard]] std::size_t holds() const { return views_->hold().held().size(); }

    // Whether Kubernetes itself, and not what this hub has heard of it, knows no such object.
    Task<Result<bool>> is_gone(object::ObjectKey key, std::string uid);

private:
    class KindHandler;

    void deliver(const views::ViewChanges& changes);
    void look_for_confirmation(const json::Value& config_map);
    Task<> keep_hold();
    Task<Result<>> write_hold(std::string record);
    void log_hold() const;

    kubeapi::KubeClient& client_;
    std::string cluster_uid_;
    Listener listener_;
    ResumeAll resume_all_;
    log::Logger logger_;
    std::unique_ptr<views::ClusterViews> views_;  // Made by load().
    std::vector<std::unique_ptr<KindHandler>> kinds_;
    std::size_t waiting_for_ = 0;
    std::uint64_t api_epoch_ = 0;
    std::string kept_hold_;           // As it stands in the API.
    bool confirmation_seen_ = false;  // The annotation is still to be taken away.
    Event hold_changed_;
};

}  // namespace farhold::hub
