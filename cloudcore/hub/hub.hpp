// SPDX-License-Identifier: Apache-2.0
//
// All sessions of this cloudcore: takes machines in at /v1/tunnel, gives each session its epoch, tells
// the sessions what changed in their views, and writes what machines report to Kubernetes. Runs on the
// loop; keeps nothing on disk, and nothing of a machine beyond its session.
#pragma once

#include "cloudcore/hub/node_lease.hpp"
#include "cloudcore/hub/session_state.hpp"
#include "cloudcore/hub/view_feed.hpp"
#include "common/async/task_group.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/net/http_server.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::hub {

class NodeSession;

struct KnownMachine {
    std::string node;
    bool renew_only = false;  // The certificate has expired.
};

// Who may connect; provided by the program, since enrolment is another part's business.
struct MachineAccess {
    // Errors: unauthenticated, not_found (its Node is gone), permission_denied, unavailable.
    std::function<Task<Result<KnownMachine>>(net::PeerIdentity)> authenticate;
    std::function<Result<std::string>(const net::PeerIdentity&, std::string_view request_pem)>
        renew;
};

class Hub {
public:
    // The references must outlive the hub.
    Hub(Executor executor, std::string cluster_uid, kubeapi::KubeClient& client,
        MachineAccess access, const Clock& clock, metrics::Registry& metrics, log::Logger logger);
    ~Hub();
    Hub(const Hub&) = delete;
    Hub& operator=(const Hub&) = delete;

    // Before start().
    Task<Result<>> load();

    // Runs in the group until that is cancelled; must outlive it.
    void start(TaskGroup& group);

    // Answers a request for /v1/tunnel; returns when the session is over.
    Task<> serve(net::HttpExchange& exchange);

    // Says goodbye to every machine; their sessions end by themselves.
    void dismiss_all();

    [[nodiscard]] bool ready() const { return feed_.ready(); }

private:
    friend class NodeSession;

    // A session is in the list as long as it lives.
    void enter(NodeSession& session);
    void leave(NodeSession& session);
    // Shared, since sessions may end while they are told something.
    [[nodiscard]] std::vector<std::shared_ptr<NodeSession>> sessions_of(const std::string& node
    ) const;
    void dismiss_all(tunnel::GoodbyeReason reason, const std::string& text);

    void views_changed(const views::ViewChanges& changes);
    // Ends an older session of the same node.
    void adopt(NodeSession& session);

    // The node's next epoch, by compare-and-swap on its Lease.
    Task<Result<TakenLease>> take_epoch(NodeLease& lease, std::string node, std::string store_uuid);
    Task<ApplyOutcome> apply(std::string node, action::Apply apply);

    Executor executor_;
    std::string cluster_uid_;
    kubeapi::KubeClient& client_;
    MachineAccess access_;
    const Clock& clock_;
    log::Logger logger_;
    metrics::Gauge& sessions_gauge_;
    metrics::Counter& refused_counter_;
    metrics::Counter& reports_counter_;
    ViewFeed feed_;
    TaskGroup* group_ = nullptr;
    // By node; one may have several for a moment, in the order in which they came.
    std::map<std::string, std::vector<NodeSession*>> sessions_;
    std::map<std::string, std::uint64_t> epoch_floor_;  // Epochs seen in objects, by node.
};

}  // namespace farhold::hub
