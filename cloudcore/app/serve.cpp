// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/serve.hpp"

#include "cloudcore/apiserver/api_server.hpp"
#include "cloudcore/app/health.hpp"
#include "cloudcore/namespaces/bootstrap.hpp"
#include "cloudcore/namespaces/namespace_controller.hpp"
#include "cloudcore/nodes/node_controller.hpp"
#include "cloudcore/scheduler/scheduler.hpp"
#include "common/async/task_group.hpp"
#include "common/base/time.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/net/endpoint.hpp"
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
          namespaces_(
              executor, api.client(), namespaced_content(), api.ca_pem(), clock, logger
          ),
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

private:
    TaskGroup group_;
    namespaces::NamespaceController namespaces_;
    scheduler::Scheduler scheduler_;
    nodes::NodeController nodes_;
};

Task<Result<>> run_standalone(
    Addresses addresses, const datadir::DataDir& dir, const Clock& clock, log::Logger logger
) {
    const Executor executor = co_await this_executor;
    metrics::Registry registry;
    bool ready = false;
    auto health = start_health_server(executor, addresses.health, registry, [&ready] {
        return ready ? std::string() : std::string("starting");
    });
    if (!health) co_return fail(health.error().within("health"));
    auto api = co_await apiserver::ApiServer::start(dir, addresses.api, clock, logger);
    if (!api) {
        co_await (*health)->stop(Duration(0));
        co_return fail(api.error());
    }
    auto made = co_await namespaces::create_default_namespaces((*api)->client());
    if (made) {
        Controllers controllers(executor, **api, clock, logger);
        controllers.start();
        ready = true;
        service::notify("READY=1");
        co_await service::stop_requested();
        service::notify("STOPPING=1");
        logger.info("stopping");
        co_await controllers.stop();
    }
    co_await (*health)->stop(Duration(0));
    co_await (*api)->stop(kStopGrace);
    co_return made;
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
    const auto done = co_await run_standalone(std::move(*addresses), *dir, clock, logger);
    if (!done) {
        logger.error("cannot serve", {{"error", done.error().message()}});
        co_return config::kExitFailed;
    }
    co_return config::kExitDone;
}

}  // namespace

int serve(const Settings& settings) {
    const log::Logger logger = make_logger(settings);
    if (!settings.standalone) {
        std::fputs(
            "cloudcore: serve needs --standalone; serving beside a cluster is not there yet\n", stderr
        );
        return config::kExitUsage;
    }
    return service::run([&](const Executor&) { return run(settings, logger); });
}

}  // namespace farhold::cloud
