// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kubelet/kubelet_server.hpp"

#include "common/async/timeout.hpp"

#include <chrono>
#include <utility>

namespace farhold::kubelet {
namespace {

// Certificate authorities are changed with both valid for a while.
constexpr Duration kLookEvery = std::chrono::seconds(60);
constexpr Duration kLookAgain = std::chrono::seconds(5);

int status_of(const Error& error) {
    switch (error.code()) {
        case ErrorCode::invalid_argument:
            return 400;
        case ErrorCode::unauthenticated:
            return 401;
        case ErrorCode::permission_denied:
            return 403;
        case ErrorCode::not_found:
            return 404;
        default:
            return 500;
    }
}

net::HttpResponse refusal(int status, const std::string& message) {
    return net::text_response(status, message + "\n");
}

}  // namespace

KubeletServer::KubeletServer(
    Executor executor, kubeapi::KubeClient& client, reach::NodeStreams& machines,
    const Clock& clock, log::Logger logger
)
    : executor_(executor),
      client_(client),
      clock_(clock),
      logger_(logger.with({{"component", "kubelet"}})),
      unknown_ca_(
          logger_, "cluster's CA of clients is not known, so nobody is let in",
          "cluster's CA of clients is known"
      ),
      reviews_(client, clock),
      calls_(machines, clock, logger_),
      group_(std::move(executor)) {}

Result<> KubeletServer::start(net::Endpoint listen, ServerIdentity identity) {
    identity_ = std::move(identity);
    net::HttpServerConfig config;
    config.listen = std::move(listen);
    config.tls = tls();
    auto server =
        net::HttpServer::start(executor_, std::move(config), [this](net::HttpExchange& exchange) {
            return serve(exchange);
        });
    if (!server) return fail(server.error().within("kubelet"));
    server_ = std::move(*server);
    group_.spawn(keep_tls());
    return {};
}

Task<> KubeletServer::stop(Duration grace) {
    co_await server_->stop(grace);
    group_.cancel();
    co_await group_.join();
}

net::TlsServerConfig KubeletServer::tls() const {
    net::TlsServerConfig config = identity_();
    config.client_ca_pem = client_ca_pem_;
    config.client_certificate_required = false;
    config.allow_expired_client_certificates = false;
    config.tls13_only = false;
    return config;
}

Task<> KubeletServer::keep_tls() {
    while (true) {
        auto ca = co_await read_client_ca();
        const Instant now = clock_.now().mono;
        if (ca) {
            unknown_ca_.over(now);
            const bool is_new = std::exchange(client_ca_pem_, std::move(*ca)).empty();
            const auto replaced = server_->replace_tls(tls());
            if (!replaced) {
                unknown_ca_.met(replaced.error().message(), now);
            } else if (is_new) {
                logger_.info("serving as the machines' kubelet", {{"port", port()}});
            }
        } else {
            unknown_ca_.met(ca.error().message(), now);
        }
        co_await sleep_for(client_ca_pem_.empty() ? kLookAgain : kLookEvery);
    }
}

Task<Result<std::string>> KubeletServer::read_client_ca() {
    const auto found = co_await client_.get(
        kubeapi::kConfigMaps, "kube-system", "extension-apiserver-authentication"
    );
    if (!found) co_return fail(found.error());
    std::string pem(found->text_at({"data", "client-ca-file"}));
    if (pem.empty()) {
        co_return fail(
            ErrorCode::not_found, "the cluster has no client-ca-file: it takes no certificates"
        );
    }
    co_return pem;
}

Task<> KubeletServer::serve(net::HttpExchange& exchange) {
    auto call = co_await admit(exchange);
    if (!call) {
        net::HttpResponse refused = refusal(status_of(call.error()), call.error().message());
        // A peer that has gone away needs no answer.
        [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(refused));
        co_return;
    }
    co_await calls_.serve(exchange, std::move(*call), false, refusal);
}

Task<Result<Asker>> KubeletServer::identify(net::HttpExchange& exchange, bool takes_tokens) {
    const net::PeerIdentity& peer = exchange.peer();
    if (peer.has_certificate && !peer.expired_only) {
        Asker asker{.name = peer.subject_cn, .groups = peer.organizations};
        asker.groups.emplace_back("system:authenticated");
        co_return asker;
    }
    constexpr std::string_view kScheme = "Bearer ";
    const std::string_view given = exchange.request().headers.get("Authorization");
    if (!takes_tokens || !given.starts_with(kScheme)) {
        co_return fail(ErrorCode::unauthenticated, "Unauthorized");
    }
    co_return co_await reviews_.who_has(std::string(given.substr(kScheme.size())));
}

// Who may ask whom; strangers learn nothing about what there is.
Task<Result<reach::NodeCall>> KubeletServer::admit(net::HttpExchange& exchange) {
    const net::HttpRequest& request = exchange.request();
    auto to = route(request.method, request.target, request.headers.get("X-Forwarded-Uri"));
    auto asker = co_await identify(exchange, to && to->takes_tokens);
    if (!asker) co_return fail(asker.error());
    if (!to) co_return fail(to.error());
    if (!to->pod.empty()) {
        const auto pod = co_await client_.get(kubeapi::kPods, to->ns, to->pod);
        if (!pod) co_return fail(pod.error());
        to->node = pod->text_at({"spec", "nodeName"});
        if (to->node.empty()) {
            co_return fail(ErrorCode::not_found, "pod " + to->pod + " has no machine");
        }
    }
    Access access{.verb = to->verb, .subresource = to->subresource, .node = to->node};
    const auto allowed = co_await reviews_.may(*asker, std::move(access));
    if (!allowed) co_return fail(allowed.error());
    co_return reach::NodeCall{
        .node = std::move(to->node),
        .target = std::move(to->target),
        .user = std::move(asker->name),
        .is_proxy = false,
    };
}

}  // namespace farhold::kubelet
