// SPDX-License-Identifier: Apache-2.0
//
// Both ends of the tunnel, their drivers and all, over real TLS: the embedded API behind the hub, a
// store on a real disk behind the link.
#include "cloudcore/apiserver/api_server.hpp"
#include "cloudcore/hub/hub.hpp"
#include "cloudcore/namespaces/bootstrap.hpp"
#include "common/async/event.hpp"
#include "common/async/timeout.hpp"
#include "common/object/metadata.hpp"
#include "common/pki/node_identity.hpp"
#include "common/tunnel/content.hpp"
#include "edgecore/link/cloud_link.hpp"
#include "edgecore/store/sqlite_edge_store.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_pki.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

using namespace farhold;
using namespace std::chrono_literals;
using farhold::test::run_task;
using farhold::test::TempDir;
using farhold::test::TestPki;
using json::Value;

namespace {

const std::string kNode = "edge-1";
const std::string kCluster = "11111111-2222";

// Lets the other coroutines of the loop go on before a condition is looked at again.
Task<> let_others_run() {
    Event never(co_await this_executor);
    co_await never.wait_for(5ms);
}

// Waits for something that other coroutines of the loop bring about.
Task<bool> becomes_true(std::function<bool()> condition) {
    for (int i = 0; i < 2000; ++i) {
        if (condition()) {
            co_return true;
        }
        co_await let_others_run();
    }
    co_return false;
}

Value parse(const char* text) {
    return Value::parse(text).value();
}

// A cloudcore, as far as machines see it.
struct Cloud {
    Cloud(Executor loop, apiserver::ApiServer& server, const TestPki& test_pki, const Clock& time)
        : executor(loop),
          client(server.client()),
          pki(test_pki),
          clock(time),
          group(executor),
          hub(executor, kCluster, client, access(), clock, {}) {}

    Task<> start(std::uint16_t port = 0) {
        REQUIRE((co_await hub.load()).has_value());
        hub.start(group);
        net::HttpServerConfig config;
        config.listen.port = port;
        config.tls = pki.server();
        config.tls->client_certificate_required = true;
        config.tls->allow_expired_client_certificates = true;
        config.tls->tls13_only = true;
        net::HttpHandler handler = [this](net::HttpExchange& exchange) {
            return hub.serve(exchange);
        };
        listener = net::HttpServer::start(executor, std::move(config), std::move(handler)).value();
    }

    Task<> stop() {
        hub.dismiss_all();
        co_await listener->stop(3s);
        group.cancel();
        co_await group.join();
    }

    hub::MachineAccess access() {
        return {
            .authenticate = [this](net::PeerIdentity peer) { return judge(std::move(peer)); },
            .renew = [](const net::PeerIdentity&, std::string_view request) -> Result<std::string> {
                return "certificate for " + std::string(request);
            },
        };
    }

    Task<Result<hub::KnownMachine>> judge(net::PeerIdentity peer) {
        const auto identity = pki::parse_node_uri(peer.san_uris.at(0));
        if (shut_out) {
            co_return fail(ErrorCode::permission_denied, "shut out");
        }
        co_return hub::KnownMachine{.node = identity->node, .renew_only = peer.expired_only};
    }

    Executor executor;
    kubeapi::KubeClient& client;
    const TestPki& pki;
    const Clock& clock;
    TaskGroup group;
    hub::Hub hub;
    std::unique_ptr<net::HttpServer> listener;
    bool shut_out = false;
};

// An edgecore, as far as hubs see it.
struct Machine {
    Machine(
        Executor loop, const std::string& folder, const TestPki& test_pki, std::uint16_t port,
        const Clock& time, WallTime issued_at = test::kTestNow
    )
        : pki(test_pki),
          certificate(pki.node(pki::to_uri({kCluster, kNode}), issued_at)),
          store(store::StateKeeper::open(
                    loop, std::make_unique<store::SqliteEdgeStore>(folder, "boot", "store-1"), {}
          )
                    .value()),
          link(loop, {{"127.0.0.1", port}}, identity(), *store, time, {.version = "test"}, {}),
          group(loop) {}

    link::LinkIdentity identity() {
        return {
            .tls =
                [this](const std::string&) {
                    auto config = pki.client(certificate);
                    config.tls13_only = true;
                    return config;
                },
            .renewal_due = [] { return false; },
            .make_renewal_request = [] { return std::string("csr"); },
            .adopt_certificate = [this](std::string pem) { return adopt(std::move(pem)); },
            .prove_time = [this](WallTime time) { return prove(time); },
        };
    }

    Task<> adopt(std::string pem) {
        adopted = std::move(pem);
        certificate = pki.node(pki::to_uri({kCluster, kNode}));
        co_return;
    }
    Task<> prove(WallTime time) {
        proved = time;
        co_return;
    }

    Task<> stop() {
        group.cancel();
        co_await group.join();
        co_await store->stop();
    }

    bool live() const { return link.status().phase == link::Phase::live; }
    std::string held(const char* kind, const char* ns, const char* name) const {
        const store::DesiredRow* row = store->desired().find({kind, ns, name});
        return row == nullptr ? "" : *row->content;
    }

    Task<> report(std::string key, std::string uid, std::string body) {
        store::StoreBatch batch;
        batch.reports.push_back(
            store->outbox().put(std::move(key), std::move(uid), std::move(body)).value()
        );
        REQUIRE((co_await store->commit(std::move(batch))).has_value());
    }

    const TestPki& pki;
    TestPki::Identity certificate;
    std::unique_ptr<store::StateKeeper> store;
    std::string adopted;
    WallTime proved{};
    link::CloudLink link;
    TaskGroup group;
};

struct World {
    Executor executor;
    apiserver::ApiServer& api;
    const TestPki& pki;
    const SystemClock& clock;
    const std::string& folder;  // The machine's.
    kubeapi::KubeClient& client;
    std::string pod_uid;
    std::string node_uid;
};

// A cluster with a Node, a Pod of it and the ConfigMap that the Pod refers to.
Task<> populate(World& world) {
    auto& client = world.client;
    Value node = parse(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"edge-1"}})");
    object::set_annotation(node, tunnel::kMachineKeyAnnotation, "key");
    const auto made = co_await client.create(kubeapi::kNodes, {}, std::move(node), {});
    REQUIRE(made.has_value());
    world.node_uid = object::uid(*made);
    Value map = parse(
        R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"first"}})"
    );
    REQUIRE(
        (co_await client.create(kubeapi::kConfigMaps, "default", std::move(map), {})).has_value()
    );
    Value pod = parse(
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"nodeName":"edge-1",)"
        R"("containers":[{"name":"c","image":"i"}],)"
        R"("volumes":[{"name":"v","configMap":{"name":"a"}}]}})"
    );
    const auto bound = co_await client.create(kubeapi::kPods, "default", std::move(pod), {});
    REQUIRE(bound.has_value());
    world.pod_uid = object::uid(*bound);
}

void in_world(const std::function<Task<>(World&)>& body) {
    run_task([&]() -> Task<> {
        const TempDir cloud_dir;
        const TempDir edge_dir;
        const TestPki pki;
        const SystemClock clock;
        const auto dir = datadir::DataDir::open(cloud_dir.path()).value();
        metrics::Registry metrics;
        const net::Endpoint listen{"127.0.0.1", 0};
        auto api = co_await apiserver::ApiServer::start(dir, listen, clock, metrics, log::Logger());
        REQUIRE(api.has_value());
        auto& client = (*api)->client();
        REQUIRE((co_await namespaces::create_default_namespaces(client)).has_value());
        const std::string folder = edge_dir.path();
        World world{co_await this_executor, **api, pki, clock, folder, client, {}, {}};
        co_await populate(world);
        co_await body(world);
        co_await (*api)->stop(1s);
    });
}

Task<std::string> text_of(
    kubeapi::KubeClient& client, kubeapi::ResourceRef resource, std::string ns, std::string name,
    json::Path path
) {
    const auto object = co_await client.get(resource, std::move(ns), std::move(name));
    co_return object ? std::string(object->text_at(path)) : "gone";
}

}  // namespace

TEST_CASE("tunnel: a machine gets its view, then each change", "[tunnel]") {
    in_world([](World& world) -> Task<> {
        Cloud cloud(world.executor, world.api, world.pki, world.clock);
        co_await cloud.start();
        Machine machine(
            world.executor, world.folder, world.pki, cloud.listener->port(), world.clock
        );
        machine.link.start(machine.group);
        CHECK(co_await becomes_true([&] { return machine.live(); }));
        CHECK(machine.held("Pod", "default", "p").find("\"nodeName\"") != std::string::npos);
        CHECK(machine.held("ConfigMap", "default", "a").find("first") != std::string::npos);
        CHECK(machine.store->desired().complete());
        CHECK(machine.link.status().epoch == 1);
        CHECK(machine.proved != WallTime{});

        kubeapi::Patch patch{{}, kubeapi::PatchType::merge, parse(R"({"data":{"k":"second"}})")};
        const auto patched =
            co_await world.client.patch(kubeapi::kConfigMaps, "default", "a", std::move(patch));
        CHECK(patched.has_value());
        CHECK(co_await becomes_true([&] {
            return machine.held("ConfigMap", "default", "a").find("second") != std::string::npos;
        }));
        co_await machine.stop();
        co_await cloud.stop();
    });
}

TEST_CASE("tunnel: reports reach Kubernetes and leave the outbox", "[tunnel]") {
    in_world([](World& world) -> Task<> {
        Cloud cloud(world.executor, world.api, world.pki, world.clock);
        co_await cloud.start();
        Machine machine(
            world.executor, world.folder, world.pki, cloud.listener->port(), world.clock
        );
        co_await machine.report("PodStatus/default/p", world.pod_uid, R"({"phase":"Running"})");
        machine.link.start(machine.group);
        machine.link.submit(
            tunnel::ReportClass::derived, "NodeStatus//edge-1", world.node_uid,
            R"({"conditions":[{"type":"Ready","status":"True"}]})"
        );
        machine.link.submit(
            tunnel::ReportClass::event, "Event/default/p.1", "",
            R"({"involvedObject":{"kind":"Pod","namespace":"default","name":"p"},"reason":"Started",)"
            R"("type":"Normal"})"
        );
        CHECK(co_await becomes_true([&] { return machine.store->outbox().size() == 0; }));
        const auto pod = co_await world.client.get(kubeapi::kPods, "default", "p");
        REQUIRE(pod.has_value());
        CHECK(pod->text_at({"status", "phase"}) == "Running");
        CHECK(object::annotation(*pod, "farhold.io/report") == "1.1");
        bool told = false;
        for (int i = 0; i < 400 && !told; ++i) {
            const auto node = co_await world.client.get(kubeapi::kNodes, "", kNode);
            const auto event = co_await world.client.get(kubeapi::kEvents, "default", "p.1");
            const auto lease =
                co_await world.client.get(kubeapi::kLeases, "kube-node-lease", kNode);
            told = node && object::condition_is_true(*node, "Ready") && event && lease &&
                   !lease->text_at({"spec", "renewTime"}).empty();
            co_await let_others_run();
        }
        CHECK(told);

        // The pod's end: asked for in the cluster, done by the machine, final in the cluster.
        kubeapi::DeleteOptions graceful;
        graceful.grace_period_seconds = 30;
        const auto asked =
            co_await world.client.remove(kubeapi::kPods, "default", "p", std::move(graceful));
        CHECK(asked.has_value());
        CHECK(co_await becomes_true([&] {
            return machine.held("Pod", "default", "p").find("deletionTimestamp") !=
                   std::string::npos;
        }));
        co_await machine.report("PodGone/default/p", world.pod_uid, "{}");
        CHECK(co_await becomes_true([&] {
            return machine.held("Pod", "default", "p").empty() &&
                   machine.held("ConfigMap", "default", "a").empty();
        }));
        CHECK((co_await text_of(world.client, kubeapi::kPods, "default", "p", {"kind"})) == "gone");
        co_await machine.stop();
        co_await cloud.stop();
    });
}

TEST_CASE("tunnel: a machine that is in sync gets no object from a new hub", "[tunnel]") {
    in_world([](World& world) -> Task<> {
        std::uint16_t port = 0;
        auto first = std::make_unique<Cloud>(world.executor, world.api, world.pki, world.clock);
        co_await first->start();
        port = first->listener->port();
        Machine machine(world.executor, world.folder, world.pki, port, world.clock);
        machine.link.start(machine.group);
        CHECK(co_await becomes_true([&] { return machine.live(); }));
        const auto received = machine.link.status().counters.objects_received;
        CHECK(received == 3);
        co_await first->stop();
        first.reset();
        CHECK(co_await becomes_true([&] { return !machine.live(); }));

        Cloud second(world.executor, world.api, world.pki, world.clock);
        co_await second.start(port);
        CHECK(co_await becomes_true([&] { return machine.live(); }));
        CHECK(machine.link.status().epoch == 2);
        CHECK(machine.link.status().counters.objects_received == received);
        co_await machine.stop();
        co_await second.stop();
    });
}

TEST_CASE("tunnel: a machine that was shut out is told so and stays away", "[tunnel]") {
    in_world([](World& world) -> Task<> {
        Cloud cloud(world.executor, world.api, world.pki, world.clock);
        co_await cloud.start();
        Machine machine(
            world.executor, world.folder, world.pki, cloud.listener->port(), world.clock
        );
        machine.link.start(machine.group);
        CHECK(co_await becomes_true([&] { return machine.live(); }));
        cloud.shut_out = true;
        kubeapi::Patch patch{
            {}, kubeapi::PatchType::merge, parse(R"({"metadata":{"labels":{"a":"b"}}})")
        };
        const auto patched =
            co_await world.client.patch(kubeapi::kNodes, "", kNode, std::move(patch));
        CHECK(patched.has_value());
        CHECK(co_await becomes_true([&] { return machine.link.status().refused; }));
        CHECK_FALSE(machine.live());
        // Nothing is taken from it: its pods run on.
        CHECK_FALSE(machine.held("Pod", "default", "p").empty());
        co_await machine.stop();
        co_await cloud.stop();
    });
}

TEST_CASE("tunnel: an expired certificate is renewed over the tunnel, then used", "[tunnel]") {
    in_world([](World& world) -> Task<> {
        Cloud cloud(world.executor, world.api, world.pki, world.clock);
        co_await cloud.start();
        Machine machine(
            world.executor, world.folder, world.pki, cloud.listener->port(), world.clock,
            test::kTestNow - std::chrono::hours(24 * 365)
        );
        machine.link.start(machine.group);
        CHECK(co_await becomes_true([&] { return machine.live(); }));
        CHECK(machine.adopted == "certificate for csr");
        co_await machine.stop();
        co_await cloud.stop();
    });
}

TEST_CASE(
    "tunnel: a second machine with the same certificate ends the first one's session", "[tunnel]"
) {
    in_world([](World& world) -> Task<> {
        const TempDir other_folder;
        Cloud cloud(world.executor, world.api, world.pki, world.clock);
        co_await cloud.start();
        const auto port = cloud.listener->port();
        Machine first(world.executor, world.folder, world.pki, port, world.clock);
        first.link.start(first.group);
        CHECK(co_await becomes_true([&] { return first.live(); }));
        Machine second(world.executor, other_folder.path(), world.pki, port, world.clock);
        second.link.start(second.group);
        CHECK(co_await becomes_true([&] { return second.live(); }));
        CHECK(co_await becomes_true([&] { return first.link.status().refused; }));
        CHECK(second.link.status().epoch == 2);
        co_await first.stop();
        co_await second.stop();
        co_await cloud.stop();
    });
}
