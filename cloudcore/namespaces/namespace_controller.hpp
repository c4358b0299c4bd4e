// SPDX-License-Identifier: Apache-2.0
//
// Looks after namespaces: each has a ServiceAccount `default` and a ConfigMap `kube-root-ca.crt`,
// and one that is being deleted is emptied and then let go. Only beside the embedded API; a real
// cluster has its own. Runs on the caller's executor, keeps nothing on disk.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/async/task_group.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/informer.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/log/trouble.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace farhold::namespaces {

struct RemainingContent;

class NamespaceController final : public kubeapi::ObjectHandler {
public:
    // `content`: the built-in kinds that live in namespaces. The client and the clock outlive it.
    NamespaceController(
        Executor executor, kubeapi::KubeClient& client, std::vector<kubeapi::ResourceRef> content,
        std::string root_ca_pem, const Clock& clock, log::Logger logger
    );

    // Runs in that group until the group is cancelled and joined; the controller outlives it.
    void start(TaskGroup& group);

    // Of the informer of namespaces.
    void replaced(const std::vector<kubeapi::ObjectPtr>& objects) override;
    void changed(const kubeapi::ObjectPtr& object) override;
    void removed(const kubeapi::ObjectPtr& object) override;

private:
    // Wakes the controller when what each namespace must have was removed.
    class FurnitureHandler final : public kubeapi::ObjectHandler {
    public:
        explicit FurnitureHandler(NamespaceController& owner) : owner_(owner) {}
        void replaced(const std::vector<kubeapi::ObjectPtr>&) override {}
        void changed(const kubeapi::ObjectPtr&) override {}
        void removed(const kubeapi::ObjectPtr& object) override;

    private:
        NamespaceController& owner_;
    };

    Task<> reconcile_all();
    Task<Result<bool>> reconcile(std::string name);
    Task<Result<void>> furnish(std::string ns);
    Task<Result<bool>> empty_out(std::string ns);
    Task<Result<std::vector<kubeapi::ResourceRef>>> all_content();
    Task<Result<void>> delete_content(std::string ns, RemainingContent& remaining);
    Task<Result<void>> let_go(std::string ns);

    kubeapi::KubeClient& client_;
    std::vector<kubeapi::ResourceRef> content_;
    std::string root_ca_pem_;
    const Clock& clock_;
    log::Logger logger_;

    FurnitureHandler furniture_;
    kubeapi::Informer namespaces_;
    kubeapi::Informer accounts_;
    kubeapi::Informer root_cas_;
    std::map<std::string, kubeapi::ObjectPtr> known_;
    std::set<std::string> due_;
    std::map<std::string, log::Trouble> failing_;  // By name.
    Event wake_;
};

}  // namespace farhold::namespaces
