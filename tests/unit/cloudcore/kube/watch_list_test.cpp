// SPDX-License-Identifier: Apache-2.0
//
// Lists that come by a watch, from a server that follows a script.
#include "cloudcore/kube/cluster_client.hpp"
#include "common/async/event.hpp"
#include "common/net/http_server.hpp"
#include "common/object/metadata.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/test_pki.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace farhold;
using namespace std::chrono_literals;
using kubeapi::WatchEvent;
using Names = std::vector<std::string>;

namespace {

const std::string kAdded =
    R"({"type":"ADDED","object":{"metadata":{"name":"told","resourceVersion":"3"}}})"
    "\n";
const std::string kPlainBookmark =
    R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}})"
    "\n";
const std::string kEnd = R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9",)"
                         R"("annotations":{"k8s.io/initial-events-end":"true"}}}})"
                         "\n";
const std::string kLater =
    R"({"type":"DELETED","object":{"metadata":{"name":"told","resourceVersion":"11"}}})"
    "\n";
const std::string kExpired =
    R"({"type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old"}})"
    "\n";
constexpr const char* kPage =
    R"({"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"paged"}}]})";

class TestClock final : public Clock {
public:
    Now now() const override { return {SystemClock().now().mono, test::kTestNow}; }
};

// Answers each watch with that status and body, and each list with kPage.
struct Script {
    int status = 200;
    std::string body;
    bool stays_open = false;
    Names asked;  // The targets.

    Task<> operator()(net::HttpExchange& exchange) {
        const std::string& target = exchange.request().target;
        asked.push_back(target);
        if (!target.contains("watch=true")) {
            co_await exchange.respond(net::text_response(200, kPage));
        } else if (status != 200) {
            co_await exchange.respond(net::text_response(status, body));
        } else {
            co_await exchange.begin_stream(200, {});
            co_await exchange.write_chunk(body);
            Event never(co_await this_executor);
            while (stays_open) co_await never.wait();
            co_await exchange.end_stream();
        }
    }
};

template <class Body>
void with_server(Script& script, Body body) {
    test::run_task([&]() -> Task<> {
        const test::TestPki pki;
        const TestClock clock;
        net::HttpServerConfig server_config;
        server_config.tls = pki.server();
        auto server = net::HttpServer::start(
            co_await this_executor, std::move(server_config),
            [&script](net::HttpExchange& exchange) { return script(exchange); }
        );
        REQUIRE(server);
        kube::ClusterConfig config;
        config.kubeconfig.server = "https://127.0.0.1:" + std::to_string((*server)->port());
        config.kubeconfig.ca_pem = pki.client().ca_pem;
        config.kubeconfig.token = "t";
        {
            const auto client = kube::ClusterClient::open(std::move(config), clock);
            REQUIRE(client);
            co_await body(**client);
        }
        co_await (*server)->stop(0s);
    });
}

Names names(const std::vector<kubeapi::ObjectPtr>& objects) {
    Names all;
    for (const auto& object : objects) all.emplace_back(object::name(*object));
    return all;
}

}  // namespace

TEST_CASE("A list comes by the watch that goes on after it") {
    Script script{.body = kAdded + kEnd + kLater, .stays_open = true, .asked = {}};
    with_server(script, [&](kube::ClusterClient& client) -> Task<> {
        Names read;
        kubeapi::ListOptions options;
        options.on_read = [&read](kubeapi::ObjectPtr object) {
            read.emplace_back(object::name(*object));
            return object;
        };
        auto listed = co_await client.list_and_watch(kubeapi::kPods, options);
        REQUIRE(listed);
        CHECK(names(listed->list.items) == Names{"told"});
        CHECK(read == Names{"told"});
        CHECK(listed->list.resource_version == "9");
        REQUIRE(listed->watch != nullptr);
        const auto event = co_await listed->watch->next();
        REQUIRE(event);
        CHECK(event->type == WatchEvent::Type::deleted);
        REQUIRE(script.asked.size() == 1);
        CHECK(script.asked[0].contains("sendInitialEvents=true"));
        CHECK((client.requests() == kube::RequestCounts{{{"watch", "pods", 200}, 1}}));
    });
}

TEST_CASE("What went while a list was told comes before what happened after it") {
    const std::string deleted =
        R"({"type":"DELETED","object":{"metadata":{"name":"told","resourceVersion":"4"}}})"
        "\n";
    Script script{
        .body = kAdded + deleted + kEnd + kPlainBookmark, .stays_open = true, .asked = {}
    };
    with_server(script, [&](kube::ClusterClient& client) -> Task<> {
        auto listed = co_await client.list_and_watch(kubeapi::kPods, {});
        REQUIRE(listed);
        CHECK(names(listed->list.items) == Names{"told"});
        const auto first = co_await listed->watch->next();
        REQUIRE(first);
        CHECK(first->type == WatchEvent::Type::deleted);
        const auto second = co_await listed->watch->next();
        REQUIRE(second);
        CHECK(second->type == WatchEvent::Type::bookmark);
    });
}

TEST_CASE("A list that does not come whole by a watch comes by pages") {
    struct Case {
        const char* what;
        int status;
        std::string body;
        bool stays_open;
        int watches;  // Of two lists.
    };
    const std::string status = R"({"kind":"Status","reason":"Invalid","message":"forbidden"})";
    const std::vector<Case> cases{
        {"refused", 422, status, false, 2},
        {"refused by an older one", 400, status, false, 2},
        {"too busy", 503, status, false, 2},
        {"broken off", 200, kAdded, false, 2},
        {"cut in an event", 200, kAdded + kEnd.substr(0, 20), false, 2},
        {"expired", 200, kAdded + kExpired, true, 2},
        {"no watch at all", 200, kPage + std::string("\n"), true, 2},
        {"what it was asked is not known to it", 200, kAdded + kPlainBookmark, true, 1},
    };
    for (const Case& one : cases) {
        INFO(one.what);
        Script script{one.status, one.body, one.stays_open, {}};
        with_server(script, [&](kube::ClusterClient& client) -> Task<> {
            for (int i = 0; i < 2; ++i) {
                const auto listed = co_await client.list_and_watch(kubeapi::kPods, {});
                REQUIRE(listed);
                CHECK(names(listed->list.items) == Names{"paged"});
                CHECK(listed->list.resource_version == "9");
                CHECK(listed->watch == nullptr);
            }
            CHECK(script.asked.size() == static_cast<std::size_t>(2 + one.watches));
        });
    }
}
