// SPDX-License-Identifier: Apache-2.0
//
// All sessions of this cloudcore: takes machines in at /v1/tunnel, gives each session its epoch, tells
// the sessions what changed in their views, and writes what machines report to Kubernetes. Runs on the
// loop; keeps nothing on disk, and nothing of a machine beyond its session.
#pragma once

#include "cloudcore/hub/machine_news.hpp"
#include "cloudcore/hub/node_lease.hpp"
#include "cloudcore/hub/report_writer.hpp"
#include "cloudcore/hub/session_state.hpp"
#include "cloudcore/hub/view_feed.hpp"
#include "common/async/task_group.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/log/log.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/http_server.hpp"
#include "common/streams/stream_counters.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

// Of all sessions since the start, those that live too.
struct HubCounters {
    SessionCounters sessions;
    std::uint64_t sessions_opened = 0;
    std::uint64_t sessions_ended = 0;
    std::uint64_t machines_refused = 0;
    std::uint64_t epochs_taken = 0;
    std::uint64_t fenced = 0;  // Sessions that met a newer one's epoch.
    std::uint64_t stores_went_back = 0;
    std::uint64_t clones_found = 0;  // Machines that have the identity of another one.
    std::uint64_t reports_lost = 0;  // By machines, before they were sent.
    std::uint64_t slow_readers = 0;  // Sessions ended since too much waited to be sent.
    std::uint64_t reports_written = 0;
    std::uint64_t reports_unchanged = 0;
    std::uint64_t reports_superseded = 0;
    std::uint64_t reports_retried = 0;
    std::array<std::uint64_t, tunnel::kReportClasses> reports_refused{};
    std::uint64_t reports_gone = 0;  // Refused since their object is gone.
    std::uint64_t leases_renewed = 0;
    std::uint64_t leases_failed = 0;
    std::uint64_t leases_late = 0;  // Renewed more than two intervals after the one before.
    streams::ClassCounters streams;
};

class Hub {
public:
    // The references must outlive the hub.
    Hub(Executor executor, std::string cluster_uid, kubeapi::KubeClient& client,
        MachineAccess access, const Clock& clock, log::Logger logger,
        ViewFeed::Options options = {});
    ~Hub();
    Hub(const Hub&) = delete;
    Hub& operator=(const Hub&) = delete;

    // Before start().
    Task<Result<>> load();

    // Before start(): what each Node's status says of its kubelet, instead of the machine itself.
    void announce(KubeletEndpoint kubelet) { kubelet_ = std::move(kubelet); }

    // Runs in the group until that is cancelled; must outlive it.
    void start(TaskGroup& group);

    // Answers a request for /v1/tunnel, or for streams::kBulkPath, which is the second connection of a
    // session; returns when the connection is over.
    Task<> serve(net::HttpExchange& exchange);

    // A stream to the machine, for one request of HTTP/1.1 that the machine answers. It lives and
    // dies with the session. Errors: not_found (no such node), unavailable (no session now),
    // resource_exhausted (too many streams).
    Task<Result<std::unique_ptr<net::ByteStream>>> open_stream(
        std::string node, streams::StreamClass cls
    );

    // Says goodbye to every machine; their sessions end by themselves.
    void dismiss_all();

    [[nodiscard]] bool ready() const { return feed_.ready(); }

    [[nodiscard]] HubCounters counters() const;
    // Sessions by their Phase.
    [[nodiscard]] std::array<std::uint64_t, kPhases> sessions_by_phase() const;
    // Holds that wait for a person (removal_hold.hpp), and the objects that machines keep until then.
    [[nodiscard]] std::size_t holds() const { return feed_.holds(); }
    [[nodiscard]] std::size_t kept_objects() const { return feed_.kept_objects(); }
    [[nodiscard]] const FetchCounters& fetches() const { return feed_.fetches(); }
    // Pods that wait until it is known what they refer to.
    [[nodiscard]] std::size_t pods_kept_back() const { return feed_.pods_kept_back(); }

private:
    friend class NodeSession;

    Task<> serve_session(net::HttpExchange& exchange, KnownMachine machine);
    Task<> serve_bulk(net::HttpExchange& exchange, const KnownMachine& machine);
    // A session is in the list as long as it lives.
    void log_refusal(const net::PeerIdentity& peer, const Error& error);
    void enter(NodeSession& session);
    void leave(NodeSession& session);
    // Shared, since sessions may end while they are told something.
    [[nodiscard]] std::vector<std::shared_ptr<NodeSession>> sessions_of(const std::string& node
    ) const;
    void dismiss_all(tunnel::GoodbyeReason reason, const std::string& text);

    void views_changed(const views::ViewChanges& changes);
    // Ends an older session of the same node.
    void adopt(NodeSession& session, tunnel::GoodbyeReason reason);

    // What the node's Lease says to the Hello; what people must know of it becomes an Event.
    Task<Result<Judgement>> take_epoch(
        NodeLease& lease, std::string node, tunnel::Hello hello, WallTime opened
    );
    Task<> tell_people(json::Value node, tunnel::Hello hello, MachineNews news);
    Task<> tell_made_anew(std::string node);
    Task<> write_event(json::Value node, MachineNews news);
    Task<ApplyOutcome> apply(std::string node, action::Apply apply);

    Executor executor_;
    std::string cluster_uid_;
    kubeapi::KubeClient& client_;
    MachineAccess access_;
    const Clock& clock_;
    log::Logger logger_;
    HubCounters counters_;                      // Without the sessions that live.
    std::map<std::string, ErrorCode> refused_;  // By key: whose refusal is in the log.
    ViewFeed feed_;
    std::optional<KubeletEndpoint> kubelet_;
    TaskGroup* group_ = nullptr;
    // By node; one may have several for a moment, in the order in which they came.
    std::map<std::string, std::vector<NodeSession*>> sessions_;
    std::map<std::string, std::uint64_t> epoch_floor_;  // Epochs seen in objects, by node.
};

}  // namespace farhold::hub
