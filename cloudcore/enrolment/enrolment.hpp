// SPDX-License-Identifier: Apache-2.0
//
// Who is a machine of this cluster. Takes new ones in (POST /v1/enrol with a join token), says at
// each connect whose certificate it is, renews certificates, lets machines leave (POST /v1/leave).
// The list of machines is the Nodes: a Node's annotation farhold.io/machine-key names the one key
// that may speak for it, so deleting the Node or the annotation shuts a machine out. Runs on the
// loop; all state is in the Kubernetes API.
#pragma once

#include "cloudcore/enrolment/attempt_limiter.hpp"
#include "cloudcore/enrolment/enrol_request.hpp"
#include "cloudcore/enrolment/hub_credentials.hpp"
#include "cloudcore/enrolment/hub_info.hpp"
#include "cloudcore/enrolment/renewal_quota.hpp"
#include "cloudcore/enrolment/token_store.hpp"
#include "common/async/task.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/log/trouble.hpp"
#include "common/net/http_server.hpp"
#include "common/net/peer.hpp"
#include "common/pki/node_identity.hpp"

#include <functional>
#include <string>
#include <vector>

namespace farhold::enrolment {

inline constexpr std::size_t kEnrolBodyBytesMax = 64 << 10;

struct Machine {
    std::string node;
    bool renew_only = false;  // The certificate has expired.
};

// Since the start.
struct EnrolmentCounters {
    std::uint64_t enrolled = 0;
    std::uint64_t refused = 0;
    std::uint64_t throttled = 0;  // Refused unheard, after too many failures of their address.
    std::uint64_t renewed = 0;
    std::uint64_t renewals_refused = 0;
    std::uint64_t left = 0;
};

class Enrolment {
public:
    struct Config {
        std::string cluster_uid;
        std::vector<net::Endpoint> hubs;  // Given to machines; the first goes into join lines.
    };

    // All must outlive it.
    Enrolment(
        Config config, HubCredentials& credentials, kubeapi::KubeObjects& client,
        const Clock& clock, log::Logger logger
    );

    // Publishes the hub's CA and addresses, without which nobody can make a join line. Before run(),
    // which tries again.
    Task<> publish();

    // Keeps the server certificate fresh (`on_renewed` hands the new one to the listener) and clears
    // old tokens away. Ends only by cancellation.
    Task<> run(std::function<void(net::TlsServerConfig)> on_renewed);

    // Answers /v1/enrol and /v1/leave; false: the request is somebody else's.
    Task<bool> serve(net::HttpExchange& exchange);

    // Errors: unauthenticated (no certificate of a machine of this cluster), not_found (its Node is
    // gone), permission_denied (the Node has another key now), unavailable (ask again later).
    Task<Result<Machine>> authenticate(net::PeerIdentity peer);

    // A new certificate for the key that the peer has proved to hold. The peer must have been
    // authenticated. Errors: invalid_argument, permission_denied, resource_exhausted.
    Result<std::string> renew(const net::PeerIdentity& peer, std::string_view request_pem);

    [[nodiscard]] const EnrolmentCounters& counters() const { return counters_; }

private:
    Task<Result<EnrolAnswer>> enrol(EnrolRequest request, std::string address);
    Task<Result<std::string>> use_token(const EnrolRequest& request, const std::string& key_id);
    Task<Result<void>> register_node(
        const EnrolRequest& request, std::string node, std::string key_id, bool may_take_over
    );
    // An Event about the Node.
    Task<> tell(json::Value node, std::string reason, std::string message);
    Task<> tell_claimed(std::string node, std::string address);
    Task<> serve_enrol(net::HttpExchange& exchange);
    Task<> serve_leave(net::HttpExchange& exchange);
    Result<std::string> check_and_renew(
        const net::PeerIdentity& peer, std::string_view request_pem
    );
    Result<std::string> issue(const pki::PublicKey& key, const std::string& node) const;

    const Config config_;
    HubCredentials& credentials_;
    kubeapi::KubeObjects& client_;
    const Clock& clock_;
    log::Logger logger_;
    log::Trouble unpublished_;
    bool is_published_ = false;
    TokenStore tokens_;
    AttemptLimiter limiter_;
    RenewalQuota quota_;
    EnrolmentCounters counters_;
};

}  // namespace farhold::enrolment
