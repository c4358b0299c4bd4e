// SPDX-License-Identifier: Apache-2.0
//
// Keeps the removal hold in the Kubernetes API (views/hold_record.hpp), so that it outlives the hub,
// tells people of it by log and Event, and carries out what they confirm. Runs on the loop.
#pragma once

#include "cloudcore/views/cluster_views.hpp"
#include "cloudcore/views/hold_record.hpp"
#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/informer.hpp"
#include "common/kubeapi/named_objects.hpp"
#include "common/log/log.hpp"

#include <functional>
#include <set>
#include <string>

namespace farhold::hub {

class HoldKeeper {
public:
    // Called when somebody has confirmed what is held in that scope of RemovalHold.
    using OnConfirmed = std::function<void(const std::string& scope)>;

    HoldKeeper(
        Executor executor, kubeapi::KubeClient& client, OnConfirmed on_confirmed, log::Logger logger
    );

    // The hold as it stands in the API; before start().
    Task<Result<views::RemovalHold>> load();
    // The views and the keeper must outlive the group.
    void start(views::ClusterViews& views, TaskGroup& group);
    // Call it whenever the hold, or what is kept because of it, may have changed.
    void look();

private:
    Task<> run();
    Task<Result<>> keep();
    Task<bool> carry_out(json::Value& map);
    Task<> tell_new(const json::Value& map);
    Task<> tell(
        const json::Value& map, std::string scope, std::string type, std::string reason,
        std::string message
    );

    kubeapi::KubeClient& client_;
    OnConfirmed on_confirmed_;
    log::Logger logger_;
    SystemClock clock_;
    kubeapi::NamedObjects handler_;
    kubeapi::Informer informer_;
    views::ClusterViews* views_ = nullptr;  // From start() on.
    std::string kept_record_;               // As they stand in the API.
    views::ObjectsByMachine kept_objects_;
    std::set<std::string> told_;  // Scopes whose hold people have been told of.
    farhold::Event due_;          // Not the sessions' Event.
};

}  // namespace farhold::hub
