// SPDX-License-Identifier: Apache-2.0
//
// Both ends of the tunnel, their drivers and all, over real TLS: the embedded API behind the hub, a
// store on a real disk behind the link.
#pragma once

#include "cloudcore/apiserver/api_server.hpp"
#include "cloudcore/hub/hub.hpp"
#include "cloudcore/namespaces/bootstrap.hpp"
#include "common/async/event.hpp"
#include "common/async/timeout.hpp"
#include "common/object/metadata.hpp"
#include "common/pki/node_identity.hpp"
#include "common/streams/bulk_connection.hpp"
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
#include <utility>

// Apart from the rig, which has a Cloud and a Machine that are processes.
namespace farhold::test::world {

using namespace std::chrono_literals;
using json::Value;

inline const std::string kNode = "edge-1";
inline const std::string kCluster = "11111111-2222";

// Lets the other coroutines of the loop go on before a condition is looked at again.
inline Task<> let_others_run() {
    Event never(co_await this_executor);
    co_await never.wait_for(5ms);
}

// Waits for something that other coroutines of the loop bring about.
inline Task<bool> becomes_true(std::function<bool()> condition) {
    for (int i = 0; i < 2000; ++i) {
        if (condition()) {
            co_return true;
        }
        co_await let_others_run();
    }
    co_return false;
}

inline Value parse(const char* text) {
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

    Task<> start(std::uint16_t port = 0, std::string address = "127.0.0.1") {
        REQUIRE((co_await hub.load()).has_value());
        hub.start(group);
        net::HttpServerConfig config;
        config.listen = {std::move(address), port};
        config.tls = pki.server();
        config.tls->client_certificate_required = true;
        config.tls->allow_expired_client_certificates = true;
        config.tls->tls13_only = true;
        net::HttpHandler handler = [this](net::HttpExchange& exchange) { return serve(exchange); };
        listener = net::HttpServer::start(executor, std::move(config), std::move(handler)).value();
    }

    Task<> serve(net::HttpExchange& exchange) {
        if (refuses_bulk && exchange.request().path() == streams::kBulkPath) {
            net::HttpResponse refusal = net::text_response(503, "not now\n");
            [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(refusal));
            co_return;
        }
        co_await hub.serve(exchange);
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
    bool refuses_bulk = false;
};

// An edgecore, as far as hubs see it.
struct Machine {
    Machine(
        Executor loop, const std::string& folder, const TestPki& test_pki, std::uint16_t port,
        const Clock& time, WallTime issued_at = kTestNow, std::string address = "127.0.0.1"
    )
        : pki(test_pki),
          certificate(pki.node(pki::to_uri({kCluster, kNode}), issued_at)),
          store(store::StateKeeper::open(
                    loop, std::make_unique<store::SqliteEdgeStore>(folder, "boot", "store-1"), {}
          )
                    .value()),
          link(
              loop, {{std::move(address), port}}, identity(), *store, time, {.version = "test"}, {}
          ),
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
inline Task<> populate(World& world) {
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

inline void in_world(const std::function<Task<>(World&)>& body) {
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

inline Task<std::string> text_of(
    kubeapi::KubeClient& client, kubeapi::ResourceRef resource, std::string ns, std::string name,
    json::Path path
) {
    const auto object = co_await client.get(resource, std::move(ns), std::move(name));
    co_return object ? std::string(object->text_at(path)) : "gone";
}

}  // namespace farhold::test::world
