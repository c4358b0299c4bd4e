// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/enrolment.hpp"

#include "common/async/timeout.hpp"
#include "common/kubeapi/event_record.hpp"
#include "common/log/trouble.hpp"
#include "common/net/endpoint.hpp"
#include "common/object/metadata.hpp"
#include "common/tunnel/content.hpp"

#include <utility>

namespace farhold::enrolment {

namespace {

using json::Value;

constexpr Duration kCheckInterval = std::chrono::hours(1);
constexpr Duration kRetryInterval = std::chrono::seconds(5);
// How often somebody else may win the race for the same token before we ask the machine to wait.
constexpr int kCompareAndSwapTries = 5;

int status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_argument:
            return 400;
        case ErrorCode::unauthenticated:
            return 401;
        case ErrorCode::permission_denied:
            return 403;
        case ErrorCode::not_found:
            return 404;
        case ErrorCode::already_exists:
            return 409;
        case ErrorCode::resource_exhausted:
            return 429;
        case ErrorCode::conflict:
        case ErrorCode::unavailable:
        case ErrorCode::deadline:
            return 503;
        default:
            return 500;
    }
}

net::HttpResponse refusal(const Error& error) {
    Value body = Value::make_object();
    body.set("error", Value::of(error.message()));
    return net::json_response(status_of(error.code()), body.dump());
}

// The machine is at fault, or whoever pretends to be one.
bool is_refusal(ErrorCode code) {
    return status_of(code) < 500;
}

std::string machine_key(const Value& node) {
    return std::string(object::annotation(node, tunnel::kMachineKeyAnnotation).value_or(""));
}

}  // namespace

Enrolment::Enrolment(
    Config config, HubCredentials& credentials, kubeapi::KubeObjects& client, const Clock& clock,
    log::Logger logger
)
    : config_(std::move(config)),
      credentials_(credentials),
      client_(client),
      clock_(clock),
      logger_(std::move(logger)),
      unpublished_(logger_, "hub not published", "hub published"),
      tokens_(client) {}

Task<> Enrolment::publish() {
    const HubInfo info{credentials_.authority().certificate().pem, config_.hubs};
    const auto published = co_await publish_hub_info(client_, info);
    is_published_ = published.has_value();
    if (published) {
        unpublished_.over(clock_.now().mono);
    } else {
        unpublished_.met(published.error().message(), clock_.now().mono);
    }
}

Task<> Enrolment::run(std::function<void(net::TlsServerConfig)> on_renewed) {
    log::Trouble expiring(
        logger_, "hub certificate not renewed", "hub certificate up to date", log::Level::error
    );
    log::Trouble littered(logger_, "old tokens not removed", "old tokens removed");
    while (!is_published_) {
        co_await publish();
        if (!is_published_) co_await sleep_for(kRetryInterval);
    }
    for (;;) {
        const WallTime now = clock_.now().wall;
        if (const auto renewed = credentials_.refresh(now); !renewed) {
            expiring.met(renewed.error().message(), clock_.now().mono);
        } else {
            expiring.over(clock_.now().mono);
            if (*renewed) {
                logger_.info("hub certificate renewed");
                on_renewed(credentials_.tls(clock_));
            }
        }
        if (const auto cleared = co_await tokens_.remove_expired(now); !cleared) {
            littered.met(cleared.error().message(), clock_.now().mono);
        } else {
            littered.over(clock_.now().mono);
        }
        co_await sleep_for(kCheckInterval);
    }
}

Task<bool> Enrolment::serve(net::HttpExchange& exchange) {
    const std::string_view path = exchange.request().path();
    const bool is_enrol = path == "/v1/enrol";
    if (!is_enrol && path != "/v1/leave") {
        co_return false;
    }
    if (exchange.request().method != "POST") {
        co_await exchange.respond(net::text_response(405, "use POST\n"));
    } else if (is_enrol) {
        co_await serve_enrol(exchange);
    } else {
        co_await serve_leave(exchange);
    }
    co_return true;
}

Task<> Enrolment::serve_enrol(net::HttpExchange& exchange) {
    const std::string address = exchange.peer().address;
    Result<EnrolAnswer> answer = fail(ErrorCode::resource_exhausted, "too many failed attempts");
    const bool heard = limiter_.allows(address, clock_.now().mono);
    if (heard) {
        auto request = exchange.request().body.size() <= kEnrolBodyBytesMax
                           ? parse_enrol_request(exchange.request().body)
                           : fail(ErrorCode::invalid_argument, "the request is too long");
        if (request) {
            answer = co_await enrol(std::move(*request), address);
        } else {
            answer = fail(request.error());
        }
        if (!answer && is_refusal(answer.error().code())) {
            limiter_.failed(address, clock_.now().mono);
        }
    }
    if (answer) {
        ++counters_.enrolled;
        logger_.info("machine enrolled", {{"node", answer->node}, {"address", address}});
        co_await exchange.respond(net::json_response(200, render_enrol_answer(*answer)));
    } else if (!heard) {
        // Whoever tries without end must not fill the log.
        ++counters_.throttled;
        logger_.debug("enrolment not heard", {{"address", address}});
        co_await exchange.respond(refusal(answer.error()));
    } else {
        ++counters_.refused;
        logger_.warning(
            "enrolment refused", {{"address", address}, {"error", answer.error().message()}}
        );
        co_await exchange.respond(refusal(answer.error()));
    }
}

Task<Result<EnrolAnswer>> Enrolment::enrol(EnrolRequest request, std::string address) {
    const auto key = pki::parse_certificate_request(request.request_pem);
    if (!key) {
        co_return fail(key.error());
    }
    auto node = co_await use_token(request, key->id());
    if (!node && node.error().code() == ErrorCode::already_exists) {
        co_await tell_claimed(request.node, std::move(address));
    }
    if (!node) {
        co_return fail(node.error());
    }
    auto certificate = issue(*key, *node);
    if (!certificate) {
        co_return fail(certificate.error());
    }
    co_return EnrolAnswer{
        std::move(*node), config_.cluster_uid, std::move(*certificate),
        credentials_.authority().certificate().pem, config_.hubs
    };
}

// The name that the token gives to the key. First the token is used up, in one write that records
// the key; whatever fails after that is done again when the machine repeats its request.
Task<Result<std::string>> Enrolment::use_token(
    const EnrolRequest& request, const std::string& key_id
) {
    const Applicant applicant{key_id, request.node};
    for (int tries = 0; tries < kCompareAndSwapTries; ++tries) {
        const auto record = co_await tokens_.find(request.token);
        if (!record) {
            co_return fail(record.error());
        }
        const std::string name = wanted_node(*record, applicant);
        std::optional<std::string> existing_key;
        if (const auto node = co_await client_.get(kubeapi::kNodes, "", name); node) {
            existing_key = machine_key(*node);
        } else if (node.error().code() != ErrorCode::not_found) {
            co_return fail(node.error());
        }
        auto admission = admit(*record, applicant, existing_key, clock_.now().wall);
        if (!admission) {
            co_return fail(admission.error());
        }
        if (admission->used) {
            const auto used = co_await tokens_.replace(std::move(*admission->used));
            if (!used && used.error().code() == ErrorCode::conflict) {
                continue;
            }
            if (!used) {
                co_return fail(used.error());
            }
        }
        const bool may_take_over = !record->node.empty();
        const auto registered =
            co_await register_node(request, admission->node, key_id, may_take_over);
        if (!registered) {
            co_return fail(registered.error());
        }
        co_return admission->node;
    }
    co_return fail(ErrorCode::unavailable, "too many machines use this token at once");
}

Task<Result<void>> Enrolment::register_node(
    const EnrolRequest& request, std::string node, std::string key_id, bool may_take_over
) {
    Value object = make_node(request, node, key_id);
    const auto created = co_await client_.create(kubeapi::kNodes, "", object);
    if (created) {
        co_return Result<void>();
    }
    if (created.error().code() != ErrorCode::already_exists) {
        co_return fail(created.error());
    }
    const auto existing = co_await client_.get(kubeapi::kNodes, "", node);
    if (!existing) {
        co_return fail(existing.error());
    }
    if (machine_key(*existing) == key_id) {
        co_return Result<void>();  // By an earlier attempt of this machine.
    }
    if (!may_take_over) {
        co_return fail(ErrorCode::already_exists, "node \"" + node + "\" exists");
    }
    const kubeapi::Patch patch{"", kubeapi::PatchType::merge, take_over(*existing, object)};
    const auto taken = co_await client_.patch(kubeapi::kNodes, "", node, patch);
    if (!taken) {
        co_return fail(taken.error());
    }
    if (!machine_key(*existing).empty()) {
        co_await tell(
            *taken, "MachineReplaced",
            "another machine has taken this Node's place, with a token made for it; the one before "
            "is "
            "shut out, and what runs there goes on until it is stopped there"
        );
    }
    co_return Result<void>();
}

Task<> Enrolment::tell_claimed(std::string node, std::string address) {
    auto existing = co_await client_.get(kubeapi::kNodes, "", node);
    if (!existing) co_return;  // It has just gone away: the name is free.
    std::string message =
        "a machine at " + address + " wanted to join under this name and was refused";
    co_await tell(std::move(*existing), "NodeNameClaimed", std::move(message));
}

Task<> Enrolment::tell(json::Value node, std::string reason, std::string message) {
    Value event = kubeapi::make_event(
        kubeapi::reference_to(node, "v1", "Node"), "Warning", reason, std::move(message),
        "cloudcore", clock_.now().wall
    );
    const auto written = co_await client_.create(kubeapi::kEvents, "default", std::move(event));
    if (!written) {
        logger_.warning("event not written", {{"error", written.error().message()}});
    }
}

Result<std::string> Enrolment::issue(const pki::PublicKey& key, const std::string& node) const {
    pki::CertificateSpec spec;
    spec.common_name = node;
    spec.organizations = {"farhold:nodes"};
    spec.uris = {pki::to_uri({config_.cluster_uid, node})};
    spec.client_auth = true;
    return credentials_.authority().issue(key, spec, clock_.now().wall);
}

Task<Result<Machine>> Enrolment::authenticate(net::PeerIdentity peer) {
    if (!peer.has_certificate) {
        co_return fail(ErrorCode::unauthenticated, "the peer has shown no certificate");
    }
    const auto identity =
        peer.san_uris.size() == 1 ? pki::parse_node_uri(peer.san_uris.front()) : std::nullopt;
    if (!identity || identity->cluster_uid != config_.cluster_uid) {
        co_return fail(
            ErrorCode::unauthenticated, "the certificate is not one of a machine of this cluster"
        );
    }
    const auto node = co_await client_.get(kubeapi::kNodes, "", identity->node);
    if (!node && node.error().code() == ErrorCode::not_found) {
        co_return fail(ErrorCode::not_found, "there is no node \"" + identity->node + "\"");
    }
    if (!node) {
        co_return fail(
            node.error().code() == ErrorCode::cancelled
                ? node.error()
                : Error(ErrorCode::unavailable, node.error().message())
        );
    }
    if (machine_key(*node) != peer.spki_sha256_hex) {
        co_return fail(
            ErrorCode::permission_denied,
            "another key speaks for node \"" + identity->node + "\" now"
        );
    }
    co_return Machine{identity->node, peer.expired_only};
}

Result<std::string> Enrolment::renew(const net::PeerIdentity& peer, std::string_view request_pem) {
    auto certificate = check_and_renew(peer, request_pem);
    ++(certificate ? counters_.renewed : counters_.renewals_refused);
    return certificate;
}

Result<std::string> Enrolment::check_and_renew(
    const net::PeerIdentity& peer, std::string_view request_pem
) {
    const auto identity =
        peer.san_uris.size() == 1 ? pki::parse_node_uri(peer.san_uris.front()) : std::nullopt;
    if (!identity) {
        return fail(ErrorCode::permission_denied, "not a machine");
    }
    if (!quota_.take(identity->node, clock_.now().mono)) {
        return fail(ErrorCode::resource_exhausted, "too many renewals today");
    }
    const auto key = pki::parse_certificate_request(request_pem);
    if (!key) {
        return fail(key.error());
    }
    if (key->id() != peer.spki_sha256_hex) {
        return fail(ErrorCode::permission_denied, "the request is for another key");
    }
    return issue(*key, identity->node);  // The session tells the log.
}

Task<> Enrolment::serve_leave(net::HttpExchange& exchange) {
    const auto machine = co_await authenticate(exchange.peer());
    Result<void> left;
    if (!machine) {
        left = fail(machine.error());
    } else if (machine->renew_only) {
        left = fail(ErrorCode::unauthenticated, "the certificate has expired");
    } else {
        left = co_await client_.remove(kubeapi::kNodes, "", machine->node);
    }
    if (!left) {
        logger_.warning("leave refused", {{"error", left.error().message()}});
        co_await exchange.respond(refusal(left.error()));
        co_return;
    }
    ++counters_.left;
    logger_.info("machine left", {{"node", machine->node}});
    co_await exchange.respond(net::json_response(200, "{}"));
}

}  // namespace farhold::enrolment
