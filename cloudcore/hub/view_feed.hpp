// SPDX-License-Identifier: Apache-2.0
//
// Keeps the views current: follows the kinds that views are made of and tells the sessions what
// changed. Nodes and Pods are followed whole and dropped at once unless they are a machine's. There is
// one watch of all Pods and not one for each machine: a watch takes a connection here and a place in
// the API server's watch cache there, more than the parsing of other nodes' Pods. ConfigMaps, Secrets
// and ServiceAccounts are followed by their metadata (object_fetcher.hpp). Runs on the loop.
#pragma once

#include "cloudcore/hub/hold_keeper.hpp"
#include "cloudcore/hub/object_fetcher.hpp"
#include "cloudcore/views/cluster_views.hpp"
#include "common/async/task_group.hpp"
#include "common/kubeapi/informer.hpp"
#include "common/log/log.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace farhold::hub {

class ViewFeed {
public:
    // Called after each change; with none when the views or one of them has just become whole.
    using Listener = std::function<void(const views::ViewChanges& changes)>;
    // Called when every session must resume by inventory: the cluster went back in time, or a person
    // has released held removals.
    using ResumeAll = std::function<void()>;
    // Called with each Pod bound to a machine when it is first seen and when it has changed.
    using OnMachinePod = std::function<void(const kubeapi::ObjectPtr& pod)>;
    struct Options {
        OnMachinePod on_machine_pod;
        bool has_services = false;  // Of the API: the embedded one has none.
    };

    ViewFeed(
        Executor executor, kubeapi::KubeClient& client, const Clock& clock, Listener listener,
        ResumeAll resume_all, Options options, log::Logger logger
    );
    ~ViewFeed();

    // Reads the removal hold; before start().
    Task<Result<>> load();

    // Runs in the group until that is cancelled; must outlive it.
    void start(TaskGroup& group);

    // Whether every kind was listed once, and all that Pods refer to was asked for.
    [[nodiscard]] bool ready() const { return whole_; }
    [[nodiscard]] views::ClusterViews& views() { return *views_; }
    bool may_remove_surplus(
        const std::string& node, std::string_view held_node_uid, std::size_t objects
    );
    // How many scopes hold removals, and how many objects machines keep because of them.
    [[nodiscard]] std::size_t holds() const { return views_->hold().held().size(); }
    [[nodiscard]] std::size_t kept_objects() const;
    [[nodiscard]] const FetchCounters& fetches() const { return fetcher_.counters(); }
    [[nodiscard]] std::size_t pods_kept_back() const { return views_->pods_kept_back(); }

    // Whether Kubernetes itself, and not what this hub has heard of it, knows no such object.
    Task<Result<bool>> is_gone(object::ObjectKey key, std::string uid);

private:
    class KindHandler;

    Task<Result<>> read_identity();
    void deliver(const views::ViewChanges& changes);
    void first_listed(std::string_view kind);
    void look_if_whole();
    void tell_of(const kubeapi::ObjectPtr& pod);
    Task<> learn_pods();
    Task<Result<std::vector<kubeapi::ObjectPtr>>> list_pods_of_first(std::size_t count);
    void carry_out_confirmation(const std::string& scope);

    kubeapi::KubeClient& client_;
    std::string cluster_uid_;  // As it was when a list came last.
    Listener listener_;
    ResumeAll resume_all_;
    OnMachinePod on_machine_pod_;
    log::Logger logger_;
    std::unique_ptr<views::ClusterViews> views_;  // Made by load().
    std::vector<std::unique_ptr<KindHandler>> kinds_;
    std::size_t waiting_for_ = 0;  // Kinds that were not listed yet.
    bool whole_ = false;
    TaskGroup* group_ = nullptr;
    std::uint64_t api_epoch_ = 0;
    std::deque<views::NewMachine> to_learn_;
    farhold::Event machines_found_;  // Not the sessions' Event.
    HoldKeeper hold_keeper_;
    ObjectFetcher fetcher_;
};

}  // namespace farhold::hub
