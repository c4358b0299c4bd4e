// SPDX-License-Identifier: Apache-2.0
//
// Keeps a handler current with one kind of objects: a complete list, then every change in order, and
// a complete list again when the history is gone. Controllers are written against the handler and
// never see a connection. Runs on the caller's executor.
#pragma once

#include "common/async/task.hpp"
#include "common/base/random.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/log/log.hpp"

#include <memory>
#include <string>
#include <vector>

namespace farhold::kubeapi {

class ObjectHandler {
public:
    virtual ~ObjectHandler() = default;

    // An object of a list that is still being read and may never be complete. What it answers is given
    // to replaced() in its place, so that a long list need not be held whole.
    virtual ObjectPtr read(ObjectPtr object) { return object; }
    // A complete list has come and is about to be told; an error makes it fail.
    virtual Task<Result<>> check_list() { co_return Result<>{}; }
    // The API does not serve the kind. False: that is a fault like any other; true: it is asked again
    // quietly from time to time, and nothing that is known of the kind is taken for gone.
    virtual bool not_served() { return false; }
    // The complete and current set: what is not in it does not exist.
    virtual void replaced(const std::vector<ObjectPtr>& objects) = 0;
    virtual void changed(const ObjectPtr& object) = 0;  // Added or modified.
    virtual void removed(const ObjectPtr& object) = 0;  // Its last state.
};

class Informer {
public:
    // All must outlive run().
    Informer(
        KubeClient& client, ResourceRef resource, ListOptions options, ObjectHandler& handler,
        log::Logger logger
    );

    // Ends only by cancellation.
    Task<> run();

    // Of the list or event that is being delivered.
    [[nodiscard]] const std::string& resource_version() const { return resource_version_; }

private:
    Task<Result<>> list();
    // Follows one watch until it ends.
    Task<Error> follow();
    void deliver(const WatchEvent& event);

    KubeClient& client_;
    ResourceRef resource_;
    ListOptions options_;
    ObjectHandler& handler_;
    log::Logger logger_;
    Random random_;
    std::string resource_version_;        // Empty: a list is due.
    std::unique_ptr<WatchStream> watch_;  // That a list has brought.
};

}  // namespace farhold::kubeapi
