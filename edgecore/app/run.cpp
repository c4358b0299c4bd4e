// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/run.hpp"

#include "common/async/task_group.hpp"
#include "common/async/worker_thread.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/metrics/metrics.hpp"
#include "common/net/endpoint.hpp"
#include "common/object/quantity.hpp"
#include "common/service/service.hpp"
#include "edgecore/app/kubelet_version.hpp"
#include "edgecore/app/machine_identity.hpp"
#include "edgecore/app/metrics.hpp"
#include "edgecore/app/mqtt_settings.hpp"
#include "edgecore/app/status.hpp"
#include "edgecore/app/store_watch.hpp"
#include "edgecore/devices/device_manager.hpp"
#include "edgecore/link/cloud_link.hpp"
#include "edgecore/localapi/local_api.hpp"
#include "edgecore/node/node_reporter.hpp"
#include "edgecore/nodeapi/log_rotation.hpp"
#include "edgecore/nodeapi/node_api.hpp"
#include "edgecore/pods/pod_manager.hpp"
#include "edgecore/runtime/cri_runtime.hpp"
#include "edgecore/security/credentials.hpp"
#include "edgecore/security/trusted_clock.hpp"
#include "edgecore/store/sqlite_edge_store.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace farhold::edge {

namespace {

Result<std::vector<net::Endpoint>> parse_hubs(const std::vector<std::string>& texts) {
    std::vector<net::Endpoint> hubs;
    for (const std::string& text : texts) {
        auto hub = net::parse_endpoint(text);
        if (!hub) return fail(hub.error().within("hub"));
        hubs.push_back(std::move(*hub));
    }
    if (hubs.empty()) return fail(ErrorCode::invalid_argument, "no hub is configured");
    return hubs;
}

Result<net::Endpoint> parse_local_api(const std::string& text) {
    if (text == "auto") return net::Endpoint{.host = "127.0.0.1", .port = 0};
    auto endpoint = net::parse_endpoint(text);
    if (!endpoint) return fail(endpoint.error().within("local-api-address"));
    return endpoint;
}

pods::MachineSettings machine_settings(
    const Settings& settings, const std::string& node, const std::string& store_uuid
) {
    const node::MachineFacts facts = node::read_machine_facts(settings.data_dir);
    pods::MachineSettings machine;
    machine.node_name = node;
    machine.hostname = facts.hostname;
    machine.pods_root = settings.data_dir + "/pods";
    machine.seccomp_root = settings.data_dir + "/seccomp";
    machine.log_root = settings.pod_log_dir;
    machine.cgroup_parent = pod_cgroup_parent(settings, store_uuid);
    machine.memory_bytes = facts.memory_bytes;
    return machine;
}

// What a pod may ask of its node, from the status that was reported last.
podspec::MachineFacts pod_facts(const std::string& node, const json::Value& status) {
    const auto quantity = [&](std::string_view name) {
        auto parsed = object::Quantity::parse(status.text_at({"allocatable", name}, "0"));
        return parsed ? *parsed : object::Quantity();
    };
    podspec::MachineFacts facts;
    facts.node_name = node;
    facts.allocatable_cpu_milli = quantity("cpu").milli_value();
    facts.allocatable_memory_bytes = quantity("memory").value();
    facts.allocatable_storage_bytes = quantity("ephemeral-storage").value();
    if (const json::Value* addresses = status.find("addresses"); addresses != nullptr) {
        for (const json::Value& one : addresses->array()) {
            if (one.text_at({"type"}) != "InternalIP") continue;
            facts.host_ips.emplace_back(one.text_at({"address"}));
        }
    }
    return facts;
}

// What of a kubelet's configuration means something here.
json::Value kubelet_configuration(const Settings& settings) {
    using json::Value;
    return Value::make_object({
        {"kubeletconfig", Value::make_object({
                              {"containerRuntimeEndpoint", Value::of(settings.runtime_endpoint)},
                              {"podLogsDir", Value::of(settings.pod_log_dir)},
                          })},
    });
}

// What the settings say, as far as it is more than text.
struct Parsed {
    std::vector<net::Endpoint> hubs;
    std::optional<mqtt::ClientSettings> broker;
};

// All parts of a running edgecore, in the order in which they depend on each other; they end in the
// opposite one.
class Machine {
public:
    Machine(
        const Executor& executor, const Settings& settings, Parsed parsed,
        security::Credentials credentials, std::unique_ptr<store::StateKeeper> store,
        const Clock& clock, const log::Logger& logger
    )
        : settings_(settings),
          clock_(clock),
          store_(std::move(store)),
          files_("files"),
          identity_(settings.data_dir, std::move(credentials), clock, files_, logger),
          runtime_(
              executor,
              {.endpoint = settings.runtime_endpoint, .store_uuid = store_->meta().store_uuid},
              logger
          ),
          link_(
              executor, std::move(parsed.hubs),
              identity_.for_link([this] { pods_.time_changed(); }), *store_, clock,
              link::LinkConfig{.version = FARHOLD_VERSION, .process = Random::from_system().uuid()},
              logger
          ),
          node_(
              executor, runtime_, clock,
              {.data_dir = settings.data_dir,
               .version = kKubeletVersion,
               .store = [this] { return store_watch_.facts(); },
               .report = [this](const json::Value& status) { report_node(status); }}
          ),
          store_watch_(*store_, [this](node::NodeEvent event) { tell(std::move(event)); }),
          pods_(pod_services(executor, logger)),
          node_api_(node_services(executor, logger)),
          log_rotator_(runtime_, files_, clock, settings.pod_log_dir, {}, logger),
          devices_(device_services(executor, std::move(parsed.broker), logger)),
          group_(executor) {
        store_->on_change([this](std::span<const object::ObjectKey> changed) {
            ages_.update(store_->outbox(), clock_.now().mono);
            if (store_watch_.look()) node_.look_now();
            const bool node_changed =
                std::ranges::any_of(changed, [](const auto& key) { return key.kind == "Node"; });
            if (node_changed) report_node(node_.status());
        });
        ages_.update(store_->outbox(), clock.now().mono);
        link_.on_token([this](const tunnel::TokenWish& wish, const tunnel::Token& token) {
            pods_.token_answered(wish, token);
        });
        link_.on_stream([this](std::unique_ptr<net::ByteStream> stream) {
            return node_api_.serve(std::move(stream));
        });
    }

    // Before start(): where metrics come from.
    void serve_metrics(std::function<std::string()> metrics) { metrics_ = std::move(metrics); }

    void start() {
        link_.start(group_);
        store_watch_.begin();
        node_.start(group_);
        pods_.start(group_);
        group_.spawn(node_api_.run());
        group_.spawn(log_rotator_.run());
        devices_.start(group_);
    }

    Task<> stop() {
        group_.cancel();
        co_await group_.join();
        co_await runtime_.close();
        co_await store_->stop();
    }

    [[nodiscard]] json::Value status() {
        const StatusSources sources{
            .node = identity_.node(),
            .store_path = settings_.data_dir + "/state.db",
            .link = link_,
            .store = *store_,
            .pods = pods_,
            .devices = devices_,
            .ages = ages_,
            .identity = identity_,
            .runtime = runtime_,
            .runtime_endpoint = settings_.runtime_endpoint,
            .node_status = node_.status(),
        };
        return make_status(sources, store_->outbox(), clock_.now());
    }

    devices::DeviceManager& devices() { return devices_; }

    void collect(metrics::Samples& samples) {
        const MetricSources sources{
            .store_path = settings_.data_dir + "/state.db",
            .identity = identity_,
            .link = link_,
            .store = *store_,
            .pods = pods_,
            .devices = devices_,
            .runtime = runtime_,
            .ages = ages_,
        };
        edge::collect(samples, sources, clock_.now());
    }

private:
    pods::PodServices pod_services(const Executor& executor, const log::Logger& logger) {
        const auto submit = [this](tunnel::ReportClass cls) {
            return [this, cls](std::string key, std::string uid, std::string body) {
                link_.submit(cls, std::move(key), std::move(uid), std::move(body));
            };
        };
        return pods::PodServices{
            .executor = executor,
            .runtime = runtime_,
            .store = *store_,
            .files = files_,
            .clock = clock_,
            .reports =
                {
                    .derived = submit(tunnel::ReportClass::derived),
                    .forget = [this](const std::string& key) { link_.forget(key); },
                    .event = submit(tunnel::ReportClass::event),
                },
            .tokens = {
                .want = [this](tunnel::TokenWish wish) { link_.want_token(std::move(wish)); },
                .trusted_time = [this] { return identity_.time().now(); },
            },
            .machine = machine_settings(settings_, identity_.node(), store_->meta().store_uuid),
            .facts = [this] { return pod_facts(identity_.node(), node_.status()); },
            .log = logger,
        };
    }

    nodeapi::NodeServices node_services(const Executor& executor, const log::Logger& logger) {
        return {
            .executor = executor,
            .runtime = runtime_,
            .files = files_,
            .clock = clock_,
            .node_name = identity_.node(),
            .pod_log_root = settings_.pod_log_dir,
            .pods = [this] { return pods_.pods(); },
            .pod =
                [this](std::string_view ns, std::string_view name) { return pods_.pod(ns, name); },
            .configuration = [this] { return kubelet_configuration(settings_); },
            .metrics = [this] { return metrics_(); },
            .log = logger,
        };
    }

    devices::DeviceServices device_services(
        const Executor& executor, std::optional<mqtt::ClientSettings> broker,
        const log::Logger& logger
    ) {
        return {
            .executor = executor,
            .store = *store_,
            .clock = clock_,
            .node = identity_.node(),
            .trusted_time = [this] { return identity_.time().now(); },
            .linked = [this] { return link_.status().phase == link::Phase::live; },
            .broker = std::move(broker),
            .log = logger,
        };
    }

    void tell(node::NodeEvent event) {
        node::EventReport report =
            node::make_event_report(identity_.node(), std::move(event), clock_.now().wall);
        link_.submit(tunnel::ReportClass::event, std::move(report.key), "", std::move(report.body));
    }

    // The hub takes a report only for the Node that it has given us: before the first sync there is
    // nothing to report about.
    void report_node(const json::Value& status) {
        const store::DesiredRow* row = store_->desired().find("Node", "", identity_.node());
        if (row == nullptr || status.is_null()) return;
        link_.submit(
            tunnel::ReportClass::derived, "NodeStatus//" + identity_.node(), row->uid, status.dump()
        );
    }

    const Settings& settings_;
    const Clock& clock_;
    std::unique_ptr<store::StateKeeper> store_;
    WorkerThread files_;
    MachineIdentity identity_;
    runtime::CriRuntime runtime_;
    link::CloudLink link_;
    node::NodeReporter node_;
    StoreWatch store_watch_;
    pods::PodManager pods_;
    std::function<std::string()> metrics_;
    nodeapi::NodeApi node_api_;
    nodeapi::LogRotator log_rotator_;
    devices::DeviceManager devices_;
    OutboxAges ages_;
    TaskGroup group_;
};

Task<Result<>> run_machine(const Settings& settings, const Clock& clock, log::Logger logger) {
    const Executor executor = co_await this_executor;
    auto hubs = parse_hubs(settings.hubs);
    if (!hubs) co_return fail(hubs.error());
    auto listen = parse_local_api(settings.local_api_address);
    if (!listen) co_return fail(listen.error());
    auto credentials = security::load_credentials(settings.data_dir);
    if (!credentials) {
        if (credentials.error().code() == ErrorCode::not_found) {
            co_return fail(
                ErrorCode::not_found,
                settings.data_dir + ": this machine has not joined yet; run edgecore join"
            );
        }
        co_return fail(credentials.error().within("load credentials"));
    }
    auto broker = read_mqtt_settings(settings, credentials->identity.node);
    if (!broker) co_return fail(broker.error());
    Parsed parsed{.hubs = std::move(*hubs), .broker = std::move(*broker)};
    auto random = Random::from_system();
    auto store = store::StateKeeper::open(
        executor,
        std::make_unique<store::SqliteEdgeStore>(
            settings.data_dir, node::read_boot_id(), random.uuid()
        ),
        logger
    );
    if (!store) co_return fail(store.error().within("open store"));
    Machine machine(
        executor, settings, std::move(parsed), std::move(*credentials), std::move(*store), clock,
        logger
    );
    metrics::Registry registry;
    const metrics::Registration registration =
        registry.collect([&machine](metrics::Samples& samples) { machine.collect(samples); });
    machine.serve_metrics([&registry] { return registry.render(); });
    auto api = localapi::LocalApi::start(
        executor, std::move(*listen), settings.data_dir,
        {.status = [&machine] { return machine.status(); },
         .metrics = [&registry] { return registry.render(); },
         .devices = [&machine] { return machine.devices().status(); },
         .set_desired =
             [&machine](localapi::DesiredValue value) {
                 return machine.devices().set_desired(
                     std::move(value.device), std::move(value.property), std::move(value.value),
                     std::move(value.who)
                 );
             }},
        clock.now().wall, logger
    );
    if (!api && api.error().code() != ErrorCode::internal &&
        api.error().code() != ErrorCode::resource_exhausted &&
        api.error().code() != ErrorCode::permission_denied) {
        co_return fail(api.error());
    }
    // A disk that cannot be written takes this page away, not the pods.
    if (!api) logger.error("no local API", {{"error", api.error().message()}});
    machine.start();
    service::notify("READY=1");
    logger.info("running", {{"local_api", api ? (*api)->port() : 0}});
    co_await service::stop_requested();
    service::notify("STOPPING=1");
    logger.info("stopping, pods go on running");
    if (api) co_await (*api)->stop();
    co_await machine.stop();
    co_return Result<>{};
}

Task<int> run_in_folder(const Settings& settings, log::Logger logger) {
    auto dir = datadir::DataDir::open(settings.data_dir);
    if (!dir) {
        logger.error("data folder not opened", {{"error", dir.error().message()}});
        co_return config::kExitFailed;
    }
    if (!dir->trouble().empty()) {
        logger.error("data folder not writable", {{"error", dir->trouble()}});
    }
    const SystemClock clock;
    const auto done = co_await run_machine(settings, clock, logger);
    if (done) co_return config::kExitDone;
    logger.error("cannot run", {{"error", done.error().message()}});
    co_return done.error().code() == ErrorCode::invalid_argument ? config::kExitUsage
                                                                 : config::kExitFailed;
}

}  // namespace

int run(const Settings& settings) {
    const log::Logger logger = settings.log.make_logger();
    return service::run([&](const Executor&) { return run_in_folder(settings, logger); });
}

}  // namespace farhold::edge
