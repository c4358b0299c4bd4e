// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/serve.hpp"

#include "cloudcore/apiserver/api_server.hpp"
#include "cloudcore/app/health.hpp"
#include "cloudcore/app/machines_port.hpp"
#include "cloudcore/app/metrics.hpp"
#include "cloudcore/definitions/bring_definitions.hpp"
#include "cloudcore/enrolment/hub_authority.hpp"
#include "cloudcore/enrolment/hub_credentials.hpp"
#include "cloudcore/kube/cluster_client.hpp"
#include "cloudcore/kubelet/kubelet_server.hpp"
#include "cloudcore/namespaces/bootstrap.hpp"
#include "cloudcore/namespaces/namespace_controller.hpp"
#include "cloudcore/nodes/node_controller.hpp"
#include "cloudcore/scheduler/scheduler.hpp"
#include "common/async/task_group.hpp"
#include "common/async/timeout.hpp"
#include "common/base/backoff.hpp"
#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/log/trouble.hpp"
#include "common/net/endpoint.hpp"
#include "common/object/metadata.hpp"
#include "common/object/names.hpp"
#include "common/service/service.hpp"

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace farhold::cloud {

namespace {

constexpr Duration kStopGrace = std::chrono::seconds(5);

struct Addresses {
    net::Endpoint api;
    net::Endpoint hub;
    net::Endpoint health;
    net::Endpoint kubelet;
    std::vector<net::Endpoint> hub_names;  // As given.
};

Result<Addresses> parse_addresses(const Settings& settings) {
    Addresses addresses;
    const std::pair<const std::string&, net::Endpoint&> all[] = {
        {settings.api_address, addresses.api},
        {settings.hub_address, addresses.hub},
        {settings.health_address, addresses.health},
        {settings.kubelet_address, addresses.kubelet},
    };
    for (const auto& [text, endpoint] : all) {
        auto parsed = net::parse_endpoint(text);
        if (!parsed) return fail(parsed.error());
        endpoint = std::move(*parsed);
    }
    for (const std::string& name : settings.hub_names) {
        auto parsed = net::parse_endpoint(name, addresses.hub.port);
        if (!parsed) return fail(parsed.error().within("hub-name"));
        addresses.hub_names.push_back(std::move(*parsed));
    }
    return addresses;
}

std::vector<kubeapi::ResourceRef> namespaced_content() {
    return {
        kubeapi::kConfigMaps, kubeapi::kEvents,  kubeapi::kLeases,
        kubeapi::kPods,       kubeapi::kSecrets, kubeapi::kServiceAccounts,
    };
}

// What works through the API beside the machines' port.
class Companions {
public:
    explicit Companions(Executor executor) : group_(std::move(executor)) {}
    virtual ~Companions() = default;

    // With what the hub is to tell of the machines' kubelet, if there is one.
    virtual Result<std::optional<hub::KubeletEndpoint>> start(
        reach::NodeStreams& machines, const enrolment::HubCredentials& credentials
    ) = 0;
    virtual void collect(metrics::Samples& samples) const = 0;
    virtual hub::ViewFeed::Options feed_options() = 0;

    // Nobody asks machines any more when it has ended.
    virtual Task<> forget_machines() = 0;

    Task<> stop() {
        group_.cancel();
        co_await group_.join();
    }

protected:
    TaskGroup group_;
};

// The controllers of standalone mode; they end before the API does.
class Controllers final : public Companions {
public:
    Controllers(
        Executor executor, apiserver::ApiServer& api, const Clock& clock, const log::Logger& logger
    )
        : Companions(executor),
          api_(api),
          namespaces_(executor, api.client(), namespaced_content(), api.ca_pem(), clock, logger),
          scheduler_(executor, api.client(), clock, logger),
          nodes_(executor, api.client(), clock, logger) {}

    Result<std::optional<hub::KubeletEndpoint>> start(
        reach::NodeStreams& machines, const enrolment::HubCredentials& /*credentials*/
    ) override {
        api_.reach_machines(&machines);
        namespaces_.start(group_);
        scheduler_.start(group_);
        nodes_.start(group_);
        return std::nullopt;
    }

    Task<> forget_machines() override {
        api_.reach_machines(nullptr);
        co_return;
    }

    void collect(metrics::Samples& samples) const override {
        collect_controllers(samples, scheduler_, nodes_);
        // There is no cluster, and the embedded API's controllers evict nobody.
        collect_cluster(samples, {});
        collect_autonomy(samples, {});
    }

    hub::ViewFeed::Options feed_options() override { return {}; }

private:
    apiserver::ApiServer& api_;
    namespaces::NamespaceController namespaces_;
    scheduler::Scheduler scheduler_;
    nodes::NodeController nodes_;
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

// Beside a cluster the cluster's own controllers work, and one thing of theirs is to be held back.
class Autonomy final : public Companions {
public:
    Autonomy(
        Executor executor, kube::ClusterClient& client, bool has_services, net::Endpoint listen,
        const Clock& clock, const log::Logger& logger
    )
        : Companions(executor),
          executor_(executor),
          client_(client),
          has_services_(has_services),
          listen_(std::move(listen)),
          clock_(clock),
          logger_(logger),
          keeper_(executor, client, clock, logger) {}

    Result<std::optional<hub::KubeletEndpoint>> start(
        reach::NodeStreams& machines, const enrolment::HubCredentials& credentials
    ) override {
        auto kubelet =
            std::make_unique<kubelet::KubeletServer>(executor_, client_, machines, clock_, logger_);
        auto begun =
            kubelet->start(listen_, [&credentials, this] { return credentials.tls(clock_); });
        if (!begun) return fail(begun.error());
        kubelet_ = std::move(kubelet);
        keeper_.start(group_);
        return hub::KubeletEndpoint{own_address(listen_), kubelet_->port()};
    }
    Task<> forget_machines() override {
        if (kubelet_) co_await kubelet_->stop(Duration(0));
    }

    void collect(metrics::Samples& samples) const override {
        collect_cluster(samples, client_.requests());
        collect_autonomy(samples, keeper_.counters());
    }

    hub::ViewFeed::Options feed_options() override {
        return {
            .on_machine_pod = [this](const kubeapi::ObjectPtr& pod) { keeper_.look_at(pod); },
            .has_services = has_services_,
        };
    }

private:
    Executor executor_;
    kube::ClusterClient& client_;
    const bool has_services_;
    const net::Endpoint listen_;
    const Clock& clock_;
    const log::Logger logger_;
    autonomy::TolerationKeeper keeper_;
    std::unique_ptr<kubelet::KubeletServer> kubelet_;
};

// Where machines are told to connect: the given names in their order, else an address of this host.
std::vector<net::Endpoint> hub_endpoints(const Addresses& addresses) {
    if (!addresses.hub_names.empty()) return addresses.hub_names;
    return {{.host = own_address(addresses.hub), .port = addresses.hub.port}};
}

// What both modes have.
struct Serving {
    const Settings& settings;
    const Addresses& addresses;
    const datadir::DataDir& dir;
    const Clock& clock;
    metrics::Registry& registry;
    std::string& missing;  // What is not ready yet; empty: nothing.
    const log::Logger& logger;
};

// The uid of namespace kube-system, which is the cluster's identity.
Task<Result<std::string>> read_cluster_uid(kubeapi::KubeClient& client) {
    const auto system = co_await client.get(kubeapi::kNamespaces, "", "kube-system");
    if (!system) co_return fail(system.error());
    co_return std::string(object::uid(*system));
}

// The same once the API is there; until then the client tells what is wrong.
Task<Result<std::string>> wait_for_cluster(kubeapi::KubeClient& client, Serving& serving) {
    Backoff backoff(std::chrono::seconds(1), std::chrono::seconds(30));
    Random random = Random::from_system();
    while (true) {
        auto cluster_uid = co_await read_cluster_uid(client);
        if (cluster_uid) co_return cluster_uid;
        const ErrorCode code = cluster_uid.error().code();
        if (code == ErrorCode::cancelled || code == ErrorCode::permission_denied ||
            code == ErrorCode::not_found) {
            co_return cluster_uid;
        }
        const Duration wait = backoff.next(random);
        if (co_await race(service::stop_requested(), sleep_for(wait)) == First::left) {
            co_return fail(ErrorCode::cancelled, "stopped before the cluster was reached");
        }
    }
}

// Not every API that is followed is a whole cluster's: another cloudcore's has no Services.
Task<bool> has_services(kubeapi::KubeClient& client) {
    kubeapi::ListOptions options;
    options.field_selector = "metadata.name=kubernetes";
    const auto listed = co_await client.list(kubeapi::kServices, std::move(options));
    co_return listed || listed.error().code() != ErrorCode::not_found;
}

Task<Result<>> start_all(
    Companions& companions, MachinesPort& machines, enrolment::HubCredentials& credentials,
    net::Endpoint listen
) {
    auto kubelet = companions.start(machines, credentials);
    if (!kubelet) co_return fail(kubelet.error());
    if (*kubelet) machines.announce(std::move(**kubelet));
    co_return co_await machines.start(co_await this_executor, std::move(listen));
}

// Until the program is to stop.
Task<Result<>> serve_machines(
    Serving& serving, kubeapi::KubeClient& client, std::string cluster_uid,
    Result<pki::CertificateAuthority> authority, Companions& companions
) {
    if (!authority) co_return fail(authority.error().within("the hub's CA"));
    const Executor executor = co_await this_executor;
    const net::Endpoint& address = serving.addresses.hub;
    std::vector<std::string> names;
    for (const net::Endpoint& named : serving.addresses.hub_names) names.push_back(named.host);
    auto credentials = enrolment::HubCredentials::issue(
        std::move(*authority), std::move(names), serving.clock.now().wall
    );
    if (!credentials) co_return fail(credentials.error());
    MachinesPort machines(
        executor, cluster_uid, hub_endpoints(serving.addresses), *credentials, client,
        serving.clock, serving.logger, companions.feed_options()
    );
    auto listening = co_await start_all(companions, machines, *credentials, address);
    if (!listening) {
        co_await companions.forget_machines();
        co_await companions.stop();
        co_return listening;
    }
    const metrics::Registration registration =
        serving.registry.collect([&](metrics::Samples& samples) {
            machines.collect(samples);
            companions.collect(samples);
        });
    serving.missing.clear();
    service::notify("READY=1");
    serving.logger.info("serving machines", {{"address", net::to_string(address)}});
    co_await service::stop_requested();
    service::notify("STOPPING=1");
    serving.logger.info("stopping");
    serving.missing = "stopping";
    co_await companions.forget_machines();
    co_await machines.stop(kStopGrace);
    co_await companions.stop();
    co_return Result<>{};
}

Task<Result<>> run_standalone(Serving& serving) {
    const Executor executor = co_await this_executor;
    auto api = co_await apiserver::ApiServer::start(
        serving.dir, serving.addresses.api, serving.clock, serving.registry, serving.logger
    );
    if (!api) co_return fail(api.error());
    kubeapi::KubeClient& client = (*api)->client();
    auto done = co_await namespaces::create_default_namespaces(client);
    if (done) done = co_await definitions::bring_definitions(client);
    if (done) {
        auto cluster_uid = co_await read_cluster_uid(client);
        Controllers controllers(executor, **api, serving.clock, serving.logger);
        auto authority = enrolment::keep_authority(serving.dir, serving.clock.now().wall);
        done = cluster_uid
                   ? co_await serve_machines(
                         serving, client, std::move(*cluster_uid), std::move(authority), controllers
                     )
                   : fail(cluster_uid.error());
    }
    co_await (*api)->stop(kStopGrace);
    co_return done;
}

Task<Result<>> run_beside_cluster(Serving& serving) {
    const Executor executor = co_await this_executor;
    auto config = kube::find_cluster(serving.settings.kubeconfig);
    if (!config) co_return fail(config.error());
    serving.logger.info(
        "beside a cluster", {{"server", config->kubeconfig.server}, {"credentials", config->source}}
    );
    auto client = kube::ClusterClient::open(std::move(*config), serving.clock, serving.logger);
    if (!client) co_return fail(client.error());
    auto cluster_uid = co_await wait_for_cluster(**client, serving);
    if (!cluster_uid) co_return fail(cluster_uid.error());
    auto authority = co_await enrolment::keep_authority(
        **client, serving.settings.hub_ca_secret, serving.clock.now().wall
    );
    Autonomy autonomy(
        executor, **client, co_await has_services(**client), serving.addresses.kubelet,
        serving.clock, serving.logger
    );
    co_return co_await serve_machines(
        serving, **client, std::move(*cluster_uid), std::move(authority), autonomy
    );
}

Task<Result<>> run_mode(
    const Settings& settings, Addresses addresses, const datadir::DataDir& dir, const Clock& clock,
    log::Logger logger
) {
    const Executor executor = co_await this_executor;
    metrics::Registry registry;
    const std::string database = settings.standalone ? dir.file("state.db") : std::string();
    const metrics::Registration registration =
        registry.collect([&database](metrics::Samples& samples) {
            collect_program(samples, database);
        });
    std::string missing = "starting";
    auto health =
        start_health_server(executor, addresses.health, registry, [&missing] { return missing; });
    if (!health) co_return fail(health.error().within("health"));
    Serving serving{settings, addresses, dir, clock, registry, missing, logger};
    auto done = settings.standalone ? co_await run_standalone(serving)
                                    : co_await run_beside_cluster(serving);
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
    const auto done = co_await run_mode(settings, std::move(*addresses), *dir, clock, logger);
    if (!done) {
        logger.error("cannot serve", {{"error", done.error().message()}});
        co_return config::kExitFailed;
    }
    co_return config::kExitDone;
}

}  // namespace

int serve(const Settings& settings) {
    const log::Logger logger = settings.log.make_logger();
    if (settings.standalone && !settings.kubeconfig.empty()) {
        std::fputs("cloudcore: --standalone and --kubeconfig exclude each other\n", stderr);
        return config::kExitUsage;
    }
    return service::run([&](const Executor&) { return run(settings, logger); });
}

}  // namespace farhold::cloud
