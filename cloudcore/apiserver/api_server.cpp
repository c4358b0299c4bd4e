// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/api_server.hpp"

#include "cloudcore/apiserver/credentials.hpp"
#include "cloudcore/apiserver/embedded_client.hpp"
#include "cloudcore/apiserver/event_expiry.hpp"
#include "cloudcore/apiserver/http_rim.hpp"
#include "cloudcore/apiserver/store_queue.hpp"
#include "cloudcore/reach/node_calls.hpp"
#include "common/async/task_group.hpp"
#include "common/net/http_server.hpp"

#include <utility>

namespace farhold::apiserver {

namespace {

// The machines' side comes up after the API and goes before it.
class LateStreams final : public reach::NodeStreams {
public:
    void use(reach::NodeStreams* streams) { streams_ = streams; }

    Task<Result<std::unique_ptr<net::ByteStream>>> open(std::string node, streams::StreamClass cls)
        override {
        if (streams_ == nullptr) {
            co_return fail(ErrorCode::unavailable, "no machine can be reached now");
        }
        co_return co_await streams_->open(std::move(node), cls);
    }

private:
    reach::NodeStreams* streams_ = nullptr;
};

}  // namespace

struct ApiServer::Impl {
    Impl(
        Executor executor, std::unique_ptr<kubestore::Store> store, Credentials issued,
        const Clock& clock, metrics::Registry& metrics, const log::Logger& logger
    )
        : credentials(std::move(issued)),
          queue(
              executor, std::move(store), kuberest::AccountTokens(credentials.token_key), clock,
              metrics, logger
          ),
          client(executor, queue, clock),
          machines(streams, clock, logger.with({{"component", "api"}})),
          rim(executor, queue, machines, clock, metrics),
          tasks(executor) {}

    net::HttpServerConfig server_config(net::Endpoint listen, const Clock& clock) const;

    Credentials credentials;
    StoreQueue queue;
    EmbeddedClient client;
    LateStreams streams;
    reach::NodeCalls machines;
    HttpRim rim;
    TaskGroup tasks;
    std::unique_ptr<net::HttpServer> server;
};

net::HttpServerConfig ApiServer::Impl::server_config(net::Endpoint listen, const Clock& clock)
    const {
    net::TlsServerConfig tls;
    tls.certificate_chain_pem = credentials.server_certificate_pem + credentials.ca_pem;
    tls.private_key_pem = credentials.server_key_pem;
    tls.client_ca_pem = credentials.ca_pem;
    tls.trusted_now = [&clock] { return clock.now().wall; };
    net::HttpServerConfig config;
    config.listen = std::move(listen);
    config.tls = std::move(tls);
    config.body_bytes_max = kBodyBytesMax;
    return config;
}

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ApiServer::~ApiServer() = default;

Task<Result<std::unique_ptr<ApiServer>>> ApiServer::start(
    const datadir::DataDir& dir, net::Endpoint listen, const Clock& clock,
    metrics::Registry& metrics, log::Logger logger
) {
    const Executor executor = co_await this_executor;
    Result<std::unique_ptr<kubestore::Store>> store = kubestore::Store::open(dir.file("state.db"));
    if (!store) {
        co_return fail(store.error().within("open store"));
    }
    Result<Credentials> credentials = load_credentials(dir, listen, clock.now().wall);
    if (!credentials) {
        co_return fail(credentials.error().within("load certificates of the API"));
    }
    auto impl = std::make_unique<Impl>(
        executor, std::move(*store), std::move(*credentials), clock, metrics, logger
    );
    Impl& parts = *impl;
    auto server = net::HttpServer::start(
        executor, parts.server_config(listen, clock),
        [&parts](net::HttpExchange& exchange) { return parts.rim.serve(exchange); }
    );
    if (!server) {
        co_return fail(server.error().within("serve the API"));
    }
    parts.server = std::move(*server);
    parts.tasks.spawn(parts.queue.run());
    parts.tasks.spawn(expire_events(parts.client, clock, logger));
    auto started = std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));

    listen.port = started->port();
    const Result<void> written = write_admin_kubeconfig(dir, parts.credentials, listen);
    if (!written) {
        co_await started->stop(Duration::zero());
        co_return fail(written.error().within("write kubeconfig"));
    }
    logger.info("serving the Kubernetes API", {{"address", listen.host}, {"port", listen.port}});
    co_return started;
}

kubeapi::KubeClient& ApiServer::client() {
    return impl_->client;
}

void ApiServer::reach_machines(reach::NodeStreams* machines) {
    impl_->streams.use(machines);
}

std::uint16_t ApiServer::port() const {
    return impl_->server->port();
}

const std::string& ApiServer::ca_pem() const {
    return impl_->credentials.ca_pem;
}

Task<> ApiServer::stop(Duration grace) {
    co_await impl_->server->stop(grace);
    impl_->tasks.cancel();
    co_await impl_->tasks.join();
}

}  // namespace farhold::apiserver
