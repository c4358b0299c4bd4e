// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/serve.hpp"

#include "cloudcore/apiserver/api_server.hpp"
#include "cloudcore/app/health.hpp"
#include "cloudcore/app/metrics.hpp"
#include "cloudcore/enrolment/enrolment.hpp"
#include "cloudcore/enrolment/hub_credentials.hpp"
#include "cloudcore/hub/hub.hpp"
#include "cloudcore/namespaces/bootstrap.hpp"
#include "cloudcore/namespaces/namespace_controller.hpp"
#include "cloudcore/nodes/node_controller.hpp"
#include "cloudcore/scheduler/scheduler.hpp"
#include "common/async/task_group.hpp"
#include "common/base/time.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/http_server.hpp"
#include "common/object/metadata.hpp"
#include "common/object/names.hpp"
#include "common/service/service.hpp"

#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

namespace farhold::cloud {

namespace {

constexpr Duration kStopGrace = std::chrono::seconds(5);

struct Addresses {
    net::Endpoint api;
    net::Endpoint hub;
    net::Endpoint health;
};

Result<Addresses> parse_addresses(const Settings& settings) {
    Addresses addresses;
    const std::pair<const std::string&, net::Endpoint&> all[] = {
        {settings.api_address, addresses.api},
        {settings.hub_address, addresses.hub},
        {settings.health_address, addresses.health},
    };
    for (const auto& [text, endpoint] : all) {
        auto parsed = net::parse_endpoint(text);
        if (!parsed) return fail(parsed.error());
        endpoint = std::move(*parsed);
    }
    return addresses;
}

std::vector<kubeapi::ResourceRef> namespaced_content() {
    return {
        kubeapi::kConfigMaps, kubeapi::kEvents,  kubeapi::kLeases,
        kubeapi::kPods,       kubeapi::kSecrets, kubeapi::kServiceAccounts,
    };
}

// The controllers of standalone mode, in one group so that they end before the API does.
class Controllers {
public:
    Controllers(
        Executor executor, apiserver::ApiServer& api, const Clock& clock, const log::Logger& logger
    )
        : group_(executor),
          namespaces_(executor, api.client(), namespaced_content(), api.ca_pem(), clock, logger),
          scheduler_(executor, api.client(), clock, logger),
          nodes_(executor, api.client(), clock, logger) {}

    void start() {
        namespaces_.start(group_);
        scheduler_.start(group_);
        nodes_.start(group_);
    }

    Task<> stop() {
        group_.cancel();
        co_await group_.join();
    }

    void collect(metrics::Samples& samples) const {
        collect_controllers(samples, scheduler_, nodes_);
    }

private:
    TaskGroup group_;
    namespaces::NamespaceController namespaces_;
    scheduler::Scheduler scheduler_;
    nodes::NodeController nodes_;
};

// The machines' side: enrolment and the hub behind one port.
class MachinesPort {
public:
    MachinesPort(
        const Executor& executor, std::string cluster_uid, std::vector<net::Endpoint> hubs,
        enrolment::HubCredentials& credentials, kubeapi::KubeClient& client, const Clock& clock,
        const log::Logger& logger
    )
        : credentials_(credentials),
          clock_(clock),
          enrolment_(
              {.cluster_uid = cluster_uid, .hubs = std::move(hubs)}, credentials, client, clock,
              logger
          ),
          hub_(executor, cluster_uid, client, access(), clock, logger),
          group_(executor) {}

    Task<Result<>> start(const Executor& executor, net::Endpoint listen) {
        auto loaded = co_await hub_.load();
        if (!loaded) co_return loaded;
        hub_.start(group_);
        net::HttpServerConfig config;
        config.listen = std::move(listen);
        config.tls = credentials_.tls(clock_);
        config.body_bytes_max = enrolment::kEnrolBodyBytesMax;
        auto server = net::HttpServer::start(
            executor, std::move(config),
            [this](net::HttpExchange& exchange) { return serve(exchange); }
        );
        if (!server) {
            co_await end_group();
            co_return fail(server.error().within("hub"));
        }
        server_ = std::move(*server);
        group_.spawn(enrolment_.run([this](net::TlsServerConfig tls) { replace(std::move(tls)); }));
        co_return Result<>{};
    }

    Task<> stop() {
        hub_.dismiss_all();
        co_await server_->stop(kStopGrace);
        co_await end_group();
    }

    [[nodiscard]] bool ready() const { return hub_.ready(); }

    void collect(metrics::Samples& samples) const {
        collect_hub(samples, hub_);
        collect_enrolment(samples, enrolment_.counters());
    }

private:
    hub::MachineAccess access() {
        hub::MachineAccess access;
        access.authenticate = [this](net::PeerIdentity peer) { return identify(std::move(peer)); };
        access.renew = [this](const net::PeerIdentity& peer, std::string_view request) {
            return enrolment_.renew(peer, request);
        };
        return access;
    }

    Task<Result<hub::KnownMachine>> identify(net::PeerIdentity peer) {
        auto machine = co_await enrolment_.authenticate(std::move(peer));
        if (!machine) co_return fail(machine.error());
        co_return hub::KnownMachine{.node = machine->node, .renew_only = machine->renew_only};
    }

    Task<> serve(net::HttpExchange& exchange) {
        if (co_await enrolment_.serve(exchange)) co_return;
        if (exchange.request().path() == "/v1/tunnel") {
            co_await hub_.serve(exchange);
            co_return;
        }
        net::HttpResponse missing = net::text_response(404, "404 page not found\n");
        // A peer that has gone away needs no answer.
        [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(missing));
    }

    void replace(net::TlsServerConfig tls) {
        // The certificate was just issued by our own CA; a server that runs takes it.
        [[maybe_unused]] const auto replaced = server_->replace_tls(std::move(tls));
    }

    Task<> end_group() {
        group_.cancel();
        co_await group_.join();
    }

    enrolment::HubCredentials& credentials_;
    const Clock& clock_;
    enrolment::Enrolment enrolment_;
    hub::Hub hub_;
    TaskGroup group_;
    std::unique_ptr<net::HttpServer> server_;
};

// An address of this host that other machines may reach: the one listened on, else the first that is
// not loopback's.
std::string own_address(const net::Endpoint& listen) {
    if (listen.host != "0.0.0.0" && listen.host != "::") return listen.host;
    for (const std::string& name : enrolment::local_names()) {
        const bool is_ipv4 = !object::check_ip(name) && !name.contains(':');
        if (is_ipv4 && !name.starts_with("127.")) return name;
    }
    return "127.0.0.1";
}

// Where machines are told to connect: the given names in their order, else an address of this host.
std::vector<net::Endpoint> hub_endpoints(const Settings& settings, const net::Endpoint& listen) {
    std::vector<std::string> names = settings.hub_names;
    if (names.empty()) names.push_back(own_address(listen));
    std::vector<net::Endpoint> endpoints;
    for (std::string& name : names) {
        endpoints.push_back({.host = std::move(name), .port = listen.port});
    }
    return endpoints;
}

// Everything that works through the API, once that serves.
Task<Result<>> run_parts(
    const Settings& settings, const Addresses& addresses, const datadir::DataDir& dir,
    apiserver::ApiServer& api, const Clock& clock, metrics::Registry& registry,
    std::string& missing, log::Logger logger
) {
    const Executor executor = co_await this_executor;
    auto made = co_await namespaces::create_default_namespaces(api.client());
    if (!made) co_return made;
    const auto system = co_await api.client().get(kubeapi::kNamespaces, "", "kube-system");
    if (!system) co_return fail(system.error());
    auto credentials = enrolment::HubCredentials::load(dir, settings.hub_names, clock.now().wall);
    if (!credentials) co_return fail(credentials.error().within("hub certificates"));
    Controllers controllers(executor, api, clock, logger);
    MachinesPort machines(
        executor, std::string(object::uid(*system)), hub_endpoints(settings, addresses.hub),
        *credentials, api.client(), clock, logger
    );
    auto listening = co_await machines.start(executor, addresses.hub);
    if (!listening) co_return listening;
    const metrics::Registration registration = registry.collect([&](metrics::Samples& samples) {
        machines.collect(samples);
        controllers.collect(samples);
    });
    controllers.start();
    missing.clear();
    service::notify("READY=1");
    logger.info("serving machines", {{"address", net::to_string(addresses.hub)}});
    co_await service::stop_requested();
    service::notify("STOPPING=1");
    logger.info("stopping");
    missing = "stopping";
    co_await machines.stop();
    co_await controllers.stop();
    co_return Result<>{};
}

Task<Result<>> run_standalone(
    const Settings& settings, Addresses addresses, const datadir::DataDir& dir, const Clock& clock,
    log::Logger logger
) {
    const Executor executor = co_await this_executor;
    metrics::Registry registry;
    const metrics::Registration registration =
        registry.collect([path = dir.file("state.db")](metrics::Samples& samples) {
            collect_program(samples, path);
        });
    std::string missing = "starting";
    auto health =
        start_health_server(executor, addresses.health, registry, [&missing] { return missing; });
    if (!health) co_return fail(health.error().within("health"));
    auto api = co_await apiserver::ApiServer::start(dir, addresses.api, clock, registry, logger);
    Result<> done;
    if (api) {
        done =
            co_await run_parts(settings, addresses, dir, **api, clock, registry, missing, logger);
        co_await (*api)->stop(kStopGrace);
    } else {
        done = fail(api.error());
    }
    co_await (*health)->stop(Duration(0));
    co_return done;
}

Task<int> run(Settings settings, log::Logger logger) {
    auto addresses = parse_addresses(settings);
    if (!addresses) {
        logger.error("bad address", {{"error", addresses.error().message()}});
        co_return config::kExitUsage;
    }
    auto dir = datadir::DataDir::open(settings.data_dir);
    if (!dir) {
        logger.error("data folder not opened", {{"error", dir.error().message()}});
        co_return config::kExitFailed;
    }
    const SystemClock clock;
    const auto done = co_await run_standalone(settings, std::move(*addresses), *dir, clock, logger);
    if (!done) {
        logger.error("cannot serve", {{"error", done.error().message()}});
        co_return config::kExitFailed;
    }
    co_return config::kExitDone;
}

}  // namespace

int serve(const Settings& settings) {
    const log::Logger logger = settings.log.make_logger();
    if (!settings.standalone) {
        std::fputs(
            "cloudcore: serve needs --standalone; serving beside a cluster is not there yet\n",
            stderr
        );
        return config::kExitUsage;
    }
    return service::run([&](const Executor&) { return run(settings, logger); });
}

}  // namespace farhold::cloud
