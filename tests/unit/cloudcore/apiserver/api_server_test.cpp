// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/api_server.hpp"

#include "common/json/value.hpp"
#include "common/kubeconfig/kubeconfig.hpp"
#include "common/net/http_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace farhold::apiserver {
namespace {

struct Client {
    net::Endpoint endpoint;
    net::TlsClientConfig tls;

    Task<Result<net::HttpResponse>> ask(net::HttpRequest request) const {
        co_return co_await net::http_request(endpoint, tls, std::move(request));
    }
};

// As kubectl would: from the file that the server wrote.
Client read_kubeconfig(const datadir::DataDir& dir, const ApiServer& server, const Clock& clock) {
    const std::string path = dir.file("admin.kubeconfig");
    const auto config = kubeconfig::parse(datadir::read_file(path).value(), path).value();
    CHECK(config.server == "https://127.0.0.1:" + std::to_string(server.port()));
    Client client;
    client.endpoint = {"127.0.0.1", server.port()};
    client.tls.ca_pem = config.ca_pem;
    client.tls.server_name = "127.0.0.1";
    client.tls.certificate_pem = config.client_certificate_pem;
    client.tls.private_key_pem = config.client_key_pem;
    client.tls.trusted_now = [&clock] { return clock.now().wall; };
    return client;
}

net::HttpRequest get(std::string target) {
    net::HttpRequest request;
    request.target = std::move(target);
    return request;
}

template <class Body>
void with_server(const std::string& folder, Body body) {
    test::run_task([&]() -> Task<> {
        const SystemClock clock;
        metrics::Registry metrics;
        const auto dir = datadir::DataDir::open(folder).value();
        auto server =
            co_await ApiServer::start(dir, {"127.0.0.1", 0}, clock, metrics, log::Logger());
        REQUIRE(server);
        const Client admin = read_kubeconfig(dir, **server, clock);
        co_await body(admin);
        co_await (*server)->stop(std::chrono::seconds(5));
    });
}

}  // namespace

TEST_CASE(
    "api server: the administrator's kubeconfig opens it, strangers see health", "[apiserver]"
) {
    const test::TempDir temp;
    with_server(temp.path(), [](const Client& admin) -> Task<> {
        const auto listed = co_await admin.ask(get("/api/v1/nodes"));
        REQUIRE(listed);
        CHECK(listed->status == 200);
        CHECK(listed->headers.get("Content-Type") == "application/json");

        Client stranger = admin;
        stranger.tls.certificate_pem.clear();
        stranger.tls.private_key_pem.clear();
        const auto health = co_await stranger.ask(get("/healthz"));
        REQUIRE(health);
        CHECK(health->body == "ok");
        const auto refused = co_await stranger.ask(get("/api/v1/nodes"));
        REQUIRE(refused);
        CHECK(refused->status == 403);

        net::HttpRequest with_token = get("/api/v1/nodes");
        with_token.headers.add("Authorization", "Bearer nonsense");
        const auto unauthorized = co_await stranger.ask(std::move(with_token));
        REQUIRE(unauthorized);
        CHECK(unauthorized->status == 401);
    });
}

TEST_CASE("api server: a ServiceAccount's token is taken, also after a restart", "[apiserver]") {
    const test::TempDir temp;
    std::string token;
    with_server(temp.path(), [&token](const Client& admin) -> Task<> {
        const std::string accounts = "/api/v1/namespaces/default/serviceaccounts";
        const std::pair<std::string, std::string> posts[] = {
            {"/api/v1/namespaces", R"({"metadata":{"name":"default"}})"},
            {accounts, R"({"metadata":{"name":"robot"}})"},
            {accounts + "/robot/token", "{}"},
        };
        for (const auto& [target, body] : posts) {
            net::HttpRequest create;
            create.method = "POST";
            create.target = target;
            create.body = body;
            create.headers.add("Content-Type", "application/json");
            const auto created = co_await admin.ask(std::move(create));
            REQUIRE(created);
            REQUIRE(created->status == 201);
            token = json::Value::parse(created->body).value().text_at({"status", "token"});
        }
    });
    with_server(temp.path(), [&token](const Client& admin) -> Task<> {
        Client pod = admin;
        pod.tls.certificate_pem.clear();
        pod.tls.private_key_pem.clear();
        net::HttpRequest asked = get("/api/v1/nodes");
        asked.headers.add("Authorization", "Bearer " + token);
        const auto answer = co_await pod.ask(std::move(asked));
        REQUIRE(answer);
        CHECK(answer->status == 403);  // Known, and not allowed.
        CHECK(answer->body.contains("system:serviceaccount:default:robot"));
        net::HttpRequest basic = get("/api/v1/nodes");
        basic.headers.add("Authorization", "Basic eDp5");
        const auto refused = co_await pod.ask(std::move(basic));
        REQUIRE(refused);
        CHECK(refused->status == 401);
    });
}

TEST_CASE("api server: what was answered as created is there after a restart", "[apiserver]") {
    const test::TempDir temp;
    with_server(temp.path(), [](const Client& admin) -> Task<> {
        net::HttpRequest create;
        create.method = "POST";
        create.target = "/api/v1/nodes";
        create.body = R"({"metadata":{"name":"edge-1"}})";
        create.headers.add("Content-Type", "application/json");
        const auto created = co_await admin.ask(std::move(create));
        REQUIRE(created);
        CHECK(created->status == 201);
    });
    with_server(temp.path(), [](const Client& admin) -> Task<> {
        const auto found = co_await admin.ask(get("/api/v1/nodes/edge-1"));
        REQUIRE(found);
        CHECK(found->status == 200);
    });
}

TEST_CASE("api server: a watch streams and ends when its time is over", "[apiserver]") {
    const test::TempDir temp;
    with_server(temp.path(), [](const Client& admin) -> Task<> {
        const auto watched =
            co_await admin.ask(get("/api/v1/nodes?watch=true&resourceVersion=0&timeoutSeconds=1"));
        REQUIRE(watched);
        CHECK(watched->status == 200);
        CHECK(watched->body.empty());
    });
}

}  // namespace farhold::apiserver
