// SPDX-License-Identifier: Apache-2.0
//
// Against the embedded API over real TLS.
#include "cloudcore/kube/cluster_client.hpp"

#include "cloudcore/apiserver/api_server.hpp"
#include "common/async/event.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/object/metadata.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

#include <string>
#include <vector>

using namespace farhold;
using namespace std::chrono_literals;
using kubeapi::WatchEvent;

namespace {

struct Fixture {
    kubeapi::KubeClient& client;
    const kube::RequestCounts& requests;
    apiserver::ApiServer& server;
    metrics::Registry& metrics;
    const datadir::DataDir& dir;
    const Clock& clock;

    // Requests about Nodes that were answered well; a watch is one when it begins.
    int asked() const {
        const std::string series =
            R"(farhold_api_requests_total{method="GET",resource="nodes",code="200"} )";
        const std::string text = metrics.render();
        const auto found = text.find(series);
        return found == std::string::npos ? 0 : std::stoi(text.substr(found + series.size()));
    }
};

template <class Body>
void beside_a_cluster(Body body) {
    const test::TempDir temp;
    test::run_task([&]() -> Task<> {
        const SystemClock clock;
        metrics::Registry metrics;
        const auto dir = datadir::DataDir::open(temp.path()).value();
        auto server = co_await apiserver::ApiServer::start(
            dir, {"127.0.0.1", 0}, clock, metrics, log::Logger()
        );
        REQUIRE(server);
        auto config = kube::find_cluster(dir.file("admin.kubeconfig"));
        REQUIRE(config);
        auto client = kube::ClusterClient::open(std::move(*config), clock);
        REQUIRE(client);
        Fixture fixture{**client, (*client)->requests(), **server, metrics, dir, clock};
        co_await body(fixture);
        co_await (*server)->stop(1s);
    });
}

json::Value node(const std::string& name) {
    return json::Value::parse(
               R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")" + name + R"("}})"
    )
        .value();
}

}  // namespace

TEST_CASE("A cluster's objects are created, read, changed and removed") {
    beside_a_cluster([](Fixture& it) -> Task<> {
        const auto created = co_await it.client.create(kubeapi::kNodes, "", node("robot-1"));
        REQUIRE(created);
        const auto again = co_await it.client.create(kubeapi::kNodes, "", node("robot-1"));
        CHECK(again.error().code() == ErrorCode::already_exists);
        kubeapi::Patch patch;
        patch.type = kubeapi::PatchType::merge;
        patch.body = json::Value::parse(R"({"metadata":{"labels":{"site":"north"}}})").value();
        const auto patched = co_await it.client.patch(kubeapi::kNodes, "", "robot-1", patch);
        REQUIRE(patched);
        kubeapi::ListOptions options;
        options.label_selector = "site=north";
        const auto listed = co_await it.client.list(kubeapi::kNodes, options);
        REQUIRE(listed);
        CHECK(listed->items.size() == 1);
        const auto removed = co_await it.client.remove(kubeapi::kNodes, "", "robot-1");
        REQUIRE(removed);
        const auto gone = co_await it.client.get(kubeapi::kNodes, "", "robot-1");
        REQUIRE_FALSE(gone);
        CHECK(gone.error().code() == ErrorCode::not_found);
        const kube::RequestCounts counted{
            {{"create", "nodes", 201}, 1}, {{"create", "nodes", 409}, 1},
            {{"patch", "nodes", 200}, 1},  {{"list", "nodes", 200}, 1},
            {{"delete", "nodes", 200}, 1}, {{"get", "nodes", 404}, 1},
        };
        CHECK((it.requests == counted));
    });
}

TEST_CASE("A list of several pages is whole") {
    beside_a_cluster([](Fixture& it) -> Task<> {
        constexpr std::size_t kMany = kubeapi::kPageLimit + 1;
        for (std::size_t i = 0; i < kMany; ++i) {
            const auto created =
                co_await it.client.create(kubeapi::kNodes, "", node("n" + std::to_string(i)));
            REQUIRE(created);
        }
        kubeapi::ListOptions all;
        const auto listed = co_await it.client.list(kubeapi::kNodes, all);
        REQUIRE(listed);
        CHECK(listed->items.size() == kMany);
    });
}

TEST_CASE("A list by a watch is whole, and the watch goes on") {
    beside_a_cluster([](Fixture& it) -> Task<> {
        constexpr std::size_t kMany = 50;
        for (std::size_t i = 0; i < kMany; ++i) {
            const auto created =
                co_await it.client.create(kubeapi::kNodes, "", node("n" + std::to_string(i)));
            REQUIRE(created);
        }
        auto listed = co_await it.client.list_and_watch(kubeapi::kNodes, {});
        REQUIRE(listed);
        CHECK(listed->list.items.size() == kMany);
        REQUIRE(listed->watch != nullptr);
        const auto created = co_await it.client.create(kubeapi::kNodes, "", node("robot-1"));
        REQUIRE(created);
        const auto added = co_await listed->watch->next();
        REQUIRE(added);
        CHECK(object::name(*added->object) == "robot-1");
        // From the version of the list it would tell the same.
        auto again = co_await it.client.watch(kubeapi::kNodes, {}, listed->list.resource_version);
        REQUIRE(again);
        const auto same = co_await (*again)->next();
        REQUIRE(same);
        CHECK(*same->object == *added->object);
    });
}

TEST_CASE("A watch tells what happens after a revision, and when the server goes away") {
    beside_a_cluster([](Fixture& it) -> Task<> {
        kubeapi::ListOptions all;
        const auto listed = co_await it.client.list(kubeapi::kNodes, all);
        REQUIRE(listed);
        auto watch = co_await it.client.watch(kubeapi::kNodes, all, listed->resource_version);
        REQUIRE(watch);
        const auto created = co_await it.client.create(kubeapi::kNodes, "", node("robot-1"));
        REQUIRE(created);
        const auto added = co_await (*watch)->next();
        REQUIRE(added);
        CHECK(added->type == WatchEvent::Type::added);
        CHECK(object::name(*added->object) == "robot-1");
        co_await it.server.stop(0s);
        const auto ended = co_await (*watch)->next();
        REQUIRE_FALSE(ended);
        CHECK(ended.error().code() == ErrorCode::unavailable);
        const auto away = co_await it.client.get(kubeapi::kNodes, "", "robot-1");
        REQUIRE_FALSE(away);
        CHECK(away.error().code() == ErrorCode::unavailable);
        CHECK(it.requests.at({"watch", "nodes", 200}) == 1);
        CHECK(it.requests.at({"get", "nodes", 0}) == 1);
    });
}

TEST_CASE("How far the server is is asked before a watch, except for the one after a list") {
    beside_a_cluster([](Fixture& it) -> Task<> {
        kubeapi::ListOptions all;
        const auto listed = co_await it.client.list(kubeapi::kNodes, all);
        REQUIRE(listed);
        std::vector<int> requests;
        for (int i = 0; i < 2; ++i) {
            const int before = it.asked();
            const auto watch =
                co_await it.client.watch(kubeapi::kNodes, all, listed->resource_version);
            REQUIRE(watch);
            requests.push_back(it.asked() - before);
        }
        CHECK(requests == std::vector<int>{1, 2});
    });
}

TEST_CASE("A server that has gone back behind what was known is listed again") {
    beside_a_cluster([](Fixture& it) -> Task<> {
        kubeapi::ListOptions all;
        const auto watch = co_await it.client.watch(kubeapi::kNodes, all, "1000000");
        REQUIRE_FALSE(watch);
        CHECK(watch.error().code() == ErrorCode::resource_exhausted);
    });
}

TEST_CASE("A credential plugin's certificate is used, and what it cannot do is told") {
    beside_a_cluster([](Fixture& it) -> Task<> {
        auto config = kube::find_cluster(it.dir.file("admin.kubeconfig")).value();
        kubeconfig::Kubeconfig& known = config.kubeconfig;
        json::Value answer = json::Value::make_object();
        answer.set("apiVersion", json::Value::of("client.authentication.k8s.io/v1"));
        answer.set("kind", json::Value::of("ExecCredential"));
        json::Value& status = answer.set("status", json::Value::make_object());
        status.set("clientCertificateData", json::Value::of(known.client_certificate_pem));
        status.set("clientKeyData", json::Value::of(known.client_key_pem));
        const std::string path = it.dir.file("credential");
        known.client_certificate_pem.clear();
        known.client_key_pem.clear();
        known.plugin.emplace();
        known.plugin->api_version = "client.authentication.k8s.io/v1";
        known.plugin->command = "cat";
        known.plugin->arguments = {path};
        const auto client = kube::ClusterClient::open(std::move(config), it.clock).value();
        kubeapi::ListOptions all;
        const auto failed = co_await client->list(kubeapi::kNodes, all);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code() == ErrorCode::unavailable);
        CHECK(failed.error().message().starts_with("credential plugin cat: it ended with"));
        REQUIRE(datadir::write_file(path, answer.dump()));
        Event never(co_await this_executor);
        auto listed = co_await client->list(kubeapi::kNodes, all);
        while (!listed) {  // A failure stands for a second.
            co_await never.wait_for(50ms);
            listed = co_await client->list(kubeapi::kNodes, all);
        }
        CHECK(listed->items.empty());
    });
}
