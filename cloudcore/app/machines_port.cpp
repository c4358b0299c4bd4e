// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/machines_port.hpp"

#include "cloudcore/app/metrics.hpp"
#include "common/streams/bulk_connection.hpp"

#include <utility>

namespace farhold::cloud {

MachinesPort::MachinesPort(
    const Executor& executor, const std::string& cluster_uid, std::vector<net::Endpoint> hubs,
    enrolment::HubCredentials& credentials, kubeapi::KubeClient& client, const Clock& clock,
    const log::Logger& logger, hub::ViewFeed::Options options
)
    : credentials_(credentials),
      clock_(clock),
      enrolment_(
          {.cluster_uid = cluster_uid, .hubs = std::move(hubs)}, credentials, client, clock, logger
      ),
      hub_(executor, cluster_uid, client, access(), clock, logger, std::move(options)),
      group_(executor) {}

Task<Result<>> MachinesPort::start(const Executor& executor, net::Endpoint listen) {
    auto loaded = co_await hub_.load();
    if (!loaded) co_return loaded;
    hub_.start(group_);
    net::HttpServerConfig config;
    config.listen = std::move(listen);
    config.tls = credentials_.tls(clock_);
    config.body_bytes_max = enrolment::kEnrolBodyBytesMax;
    auto server = net::HttpServer::start(
        executor, std::move(config), [this](net::HttpExchange& exchange) { return serve(exchange); }
    );
    if (!server) {
        co_await end_group();
        co_return fail(server.error().within("hub"));
    }
    server_ = std::move(*server);
    co_await enrolment_.publish();
    group_.spawn(enrolment_.run([this](net::TlsServerConfig tls) { replace(std::move(tls)); }));
    co_return Result<>{};
}

Task<> MachinesPort::stop(Duration grace) {
    hub_.dismiss_all();
    co_await server_->stop(grace);
    co_await end_group();
}

void MachinesPort::collect(metrics::Samples& samples) const {
    collect_hub(samples, hub_);
    collect_enrolment(samples, enrolment_.counters());
}

hub::MachineAccess MachinesPort::access() {
    hub::MachineAccess access;
    access.authenticate = [this](net::PeerIdentity peer) { return identify(std::move(peer)); };
    access.renew = [this](const net::PeerIdentity& peer, std::string_view request) {
        return enrolment_.renew(peer, request);
    };
    return access;
}

Task<Result<hub::KnownMachine>> MachinesPort::identify(net::PeerIdentity peer) {
    auto machine = co_await enrolment_.authenticate(std::move(peer));
    if (!machine) co_return fail(machine.error());
    co_return hub::KnownMachine{.node = machine->node, .renew_only = machine->renew_only};
}

Task<> MachinesPort::serve(net::HttpExchange& exchange) {
    if (co_await enrolment_.serve(exchange)) co_return;
    const std::string_view path = exchange.request().path();
    if (path == "/v1/tunnel" || path == streams::kBulkPath) {
        co_await hub_.serve(exchange);
        co_return;
    }
    net::HttpResponse missing = net::text_response(404, "404 page not found\n");
    // A peer that has gone away needs no answer.
    [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(missing));
}

void MachinesPort::replace(net::TlsServerConfig tls) {
    // The certificate was just issued by our own CA; a server that runs takes it.
    [[maybe_unused]] const auto replaced = server_->replace_tls(std::move(tls));
}

Task<> MachinesPort::end_group() {
    group_.cancel();
    co_await group_.join();
}

}  // namespace farhold::cloud
