// SPDX-License-Identifier: Apache-2.0
//
// A machine joins, is recognised, renews and leaves: both programs' own code over real TLS, with the
// embedded API behind the hub.
#include "cloudcore/enrolment/enrolment.hpp"

#include "cloudcore/apiserver/api_server.hpp"
#include "cloudcore/enrolment/hub_authority.hpp"
#include "cloudcore/namespaces/bootstrap.hpp"
#include "common/async/task_group.hpp"
#include "common/async/timeout.hpp"
#include "common/net/http_client.hpp"
#include "common/object/metadata.hpp"
#include "edgecore/security/join.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <string>

using namespace farhold;
using namespace std::chrono_literals;
using enrolment::Enrolment;
using farhold::test::run_task;
using farhold::test::TempDir;

namespace {

// The wall clock of the hub, as far ahead as the test wants.
class ShiftedClock final : public Clock {
public:
    Now now() const override {
        Now now = system_.now();
        now.wall += ahead;
        return now;
    }
    Duration ahead{};

private:
    SystemClock system_;
};

struct Hub {
    Hub(Executor loop, apiserver::ApiServer& server, const datadir::DataDir& dir,
        ShiftedClock& time)
        : executor(loop),
          api(server),
          clock(time),
          credentials(enrolment::HubCredentials::issue(
                          enrolment::keep_authority(dir, clock.now().wall).value(), {},
                          clock.now().wall
          )
                          .value()),
          enrolment(
              {"11111111-2222", {{"127.0.0.1", 10000}}}, credentials, api.client(), clock, {}
          ) {
        net::HttpServerConfig config;
        config.tls = credentials.tls(clock);
        auto handler = [this](net::HttpExchange& exchange) { return answer(exchange); };
        listener = net::HttpServer::start(executor, std::move(config), handler).value();
    }

    Task<> answer(net::HttpExchange& exchange) {
        if (co_await enrolment.serve(exchange)) {
            co_return;
        }
        const auto machine = co_await enrolment.authenticate(exchange.peer());
        if (!machine) {
            refused.push_back(machine.error().code());
            co_await exchange.respond(net::text_response(403, machine.error().message()));
        } else if (exchange.request().path() == "/renew") {
            const auto renewed = enrolment.renew(exchange.peer(), exchange.request().body);
            co_await exchange.respond(net::text_response(
                renewed ? 200 : 403, renewed ? *renewed : renewed.error().message()
            ));
        } else {
            const std::string suffix = machine->renew_only ? " (expired)" : "";
            co_await exchange.respond(net::text_response(200, machine->node + suffix));
        }
    }

    Task<pki::JoinToken> token(enrolment::TokenOptions options = {}) {
        enrolment::TokenStore tokens(api.client());
        const std::string ca = credentials.authority().certificate().key_id;
        const auto made = co_await tokens.create(options, ca, clock.now().wall);
        co_return made.value();
    }

    security::JoinRequest request(pki::JoinToken token, std::string node) const {
        return {
            endpoint(),
            std::move(token),
            std::move(node),
            {{"site", "north"}},
            {{"a", "b", "NoExecute"}}
        };
    }

    net::Endpoint endpoint() const { return {"127.0.0.1", listener->port()}; }
    std::function<WallTime()> time() const {
        return [this] { return clock.now().wall; };
    }

    Task<Result<net::HttpResponse>> ask(
        const security::Credentials& machine, std::string path, std::string body = {}
    ) const {
        net::HttpRequest request;
        request.method = body.empty() ? "GET" : "POST";
        request.target = std::move(path);
        request.body = std::move(body);
        // A machine that was switched off so long that only its hub knows the time.
        auto tls = security::client_tls(machine, "127.0.0.1", [] { return WallTime{}; });
        co_return co_await net::http_request(endpoint(), std::move(tls), std::move(request));
    }

    Executor executor;
    apiserver::ApiServer& api;
    ShiftedClock& clock;
    enrolment::HubCredentials credentials;
    Enrolment enrolment;
    std::unique_ptr<net::HttpServer> listener;
    std::vector<ErrorCode> refused;
};

// Runs the body with a hub over an embedded API of its own.
void with_hub(const std::function<Task<>(Hub&)>& body) {
    run_task([&]() -> Task<> {
        const TempDir temp;
        ShiftedClock clock;
        const auto dir = datadir::DataDir::open(temp.path()).value();
        const net::Endpoint listen{"127.0.0.1", 0};
        metrics::Registry metrics;
        auto api = co_await apiserver::ApiServer::start(dir, listen, clock, metrics, log::Logger());
        REQUIRE(api.has_value());
        REQUIRE((co_await namespaces::create_default_namespaces((*api)->client())).has_value());
        {
            Hub hub(co_await this_executor, **api, dir, clock);
            co_await body(hub);
            co_await hub.listener->stop(1s);
        }
        co_await (*api)->stop(1s);
    });
}

Task<Result<security::Joined>> join(
    const Hub& hub, const TempDir& dir, pki::JoinToken token, std::string node
) {
    co_return co_await security::join(dir.path(), hub.request(token, node), hub.time());
}

Task<> store_join(
    const Hub& hub, const TempDir& dir, pki::JoinToken token, std::string node, int& joined
) {
    const auto result = co_await join(hub, dir, token, node);
    joined += result.has_value() ? 1 : 0;
}

}  // namespace

TEST_CASE("enrolment: a machine joins and is known by its certificate", "[enrolment]") {
    with_hub([](Hub& hub) -> Task<> {
        const TempDir dir;
        const auto joined = co_await join(hub, dir, co_await hub.token(), "edge-1");
        REQUIRE(joined.has_value());
        CHECK(joined->hubs.at(0).port == 10000);
        CHECK(joined->credentials.identity == pki::NodeIdentity{"11111111-2222", "edge-1"});
        const auto node = co_await hub.api.client().get(kubeapi::kNodes, "", "edge-1");
        REQUIRE(node.has_value());
        CHECK(object::label(*node, "site") == "north");
        CHECK(object::label(*node, "topology.kubernetes.io/zone") == "farhold-machines");
        CHECK(node->elements_at({"spec", "taints"}).at(0).text_at({"effect"}) == "NoExecute");
        CHECK(object::label(*node, "kubernetes.io/hostname") == "edge-1");
        const auto loaded = security::load_credentials(dir.path());
        CHECK((co_await hub.ask(*loaded, "/whoami"))->body == "edge-1");
    });
}

TEST_CASE("enrolment: a token works once, also for two at the same moment", "[enrolment]") {
    with_hub([](Hub& hub) -> Task<> {
        const TempDir first;
        const TempDir second;
        const auto token = co_await hub.token();
        int joined = 0;
        TaskGroup both(hub.executor);
        both.spawn(store_join(hub, first, token, "edge-1", joined));
        both.spawn(store_join(hub, second, token, "edge-2", joined));
        co_await both.join();
        CHECK(joined == 1);
        const TempDir third;
        const auto late = co_await join(hub, third, token, "edge-3");
        CHECK(late.error().code() == ErrorCode::permission_denied);
    });
}

TEST_CASE("enrolment: a lost answer can be asked again by the same machine only", "[enrolment]") {
    with_hub([](Hub& hub) -> Task<> {
        const TempDir dir;
        const auto token = co_await hub.token();
        const auto key = pki::PrivateKey::generate();
        REQUIRE(datadir::write_file(dir.file("join.key"), key.to_pem()).has_value());
        REQUIRE((co_await join(hub, dir, token, "edge-1")).has_value());
        // As if the machine had died before it saved the answer.
        REQUIRE(security::forget_credentials(dir.path()).value());
        REQUIRE(datadir::write_file(dir.file("join.key"), key.to_pem()).has_value());
        const auto again = co_await join(hub, dir, token, "edge-1");
        REQUIRE(again.has_value());
        CHECK((co_await hub.ask(again->credentials, "/whoami"))->body == "edge-1");
        const TempDir thief;
        const auto stolen = co_await join(hub, thief, token, "edge-1");
        CHECK(stolen.error().code() == ErrorCode::permission_denied);
    });
}

TEST_CASE("enrolment: wrong, revoked and expired tokens are refused", "[enrolment]") {
    with_hub([](Hub& hub) -> Task<> {
        const TempDir dir;
        auto guessed = co_await hub.token();
        guessed.secret = pki::make_join_token("").secret;
        const auto wrong = co_await join(hub, dir, guessed, "edge-1");
        CHECK(wrong.error().code() == ErrorCode::permission_denied);
        enrolment::TokenStore tokens(hub.api.client());
        const auto revoked = co_await hub.token();
        REQUIRE((co_await tokens.revoke(revoked.id)).has_value());
        const auto late = co_await join(hub, dir, revoked, "edge-1");
        CHECK(late.error().code() == ErrorCode::permission_denied);
        const auto old = co_await hub.token();
        hub.clock.ahead = 25h;
        const auto expired = co_await join(hub, dir, old, "edge-1");
        CHECK(expired.error().code() == ErrorCode::permission_denied);
        REQUIRE((co_await tokens.remove_expired(hub.clock.now().wall)).has_value());
        CHECK((co_await tokens.list())->empty());
    });
}

TEST_CASE("enrolment: guessing is stopped after five attempts", "[enrolment]") {
    with_hub([](Hub& hub) -> Task<> {
        const TempDir dir;
        const std::string ca = hub.credentials.authority().certificate().key_id;
        for (int attempt = 0; attempt < 5; ++attempt) {
            const auto refused = co_await join(hub, dir, pki::make_join_token(ca), "edge-1");
            CHECK(refused.error().code() == ErrorCode::permission_denied);
        }
        const auto shut_out = co_await join(hub, dir, co_await hub.token(), "edge-1");
        CHECK(shut_out.error().code() == ErrorCode::unavailable);
    });
}

TEST_CASE("enrolment: a name is taken over only with a token made for it", "[enrolment]") {
    with_hub([](Hub& hub) -> Task<> {
        const TempDir old_disk;
        const auto before = co_await join(hub, old_disk, co_await hub.token(), "edge-1");
        REQUIRE(before.has_value());
        const TempDir new_disk;
        const auto refused = co_await join(hub, new_disk, co_await hub.token(), "edge-1");
        CHECK(refused.error().code() == ErrorCode::already_exists);
        enrolment::TokenOptions bound;
        bound.node = "edge-1";
        const auto after = co_await join(hub, new_disk, co_await hub.token(bound), "edge-1");
        REQUIRE(after.has_value());
        CHECK((co_await hub.ask(after->credentials, "/whoami"))->body == "edge-1");
        // The old disk's key no longer speaks for the node.
        CHECK((co_await hub.ask(before->credentials, "/whoami"))->status == 403);
        CHECK(hub.refused.back() == ErrorCode::permission_denied);
    });
}

TEST_CASE("enrolment: an expired certificate may be renewed and nothing else", "[enrolment]") {
    with_hub([](Hub& hub) -> Task<> {
        const TempDir dir;
        const auto joined = co_await join(hub, dir, co_await hub.token(), "edge-1");
        REQUIRE(joined.has_value());
        const auto& machine = joined->credentials;
        hub.clock.ahead = 91 * 24h;
        CHECK((co_await hub.ask(machine, "/whoami"))->body == "edge-1 (expired)");
        CHECK((co_await hub.ask(machine, "/v1/leave", "{}"))->status == 401);
        const auto request = pki::make_certificate_request(machine.key);
        const auto answer = co_await hub.ask(machine, "/renew", request);
        const auto renewed = security::renewed(machine, answer->body);
        REQUIRE(renewed.has_value());
        CHECK((co_await hub.ask(*renewed, "/whoami"))->body == "edge-1");
        const auto foreign = pki::make_certificate_request(pki::PrivateKey::generate());
        CHECK((co_await hub.ask(*renewed, "/renew", foreign))->status == 403);
    });
}

TEST_CASE("enrolment: a machine whose Node is deleted is shut out", "[enrolment]") {
    with_hub([](Hub& hub) -> Task<> {
        const TempDir dir;
        const auto joined = co_await join(hub, dir, co_await hub.token(), "edge-1");
        REQUIRE(joined.has_value());
        REQUIRE((co_await hub.api.client().remove(kubeapi::kNodes, "", "edge-1")).has_value());
        CHECK((co_await hub.ask(joined->credentials, "/whoami"))->status == 403);
        CHECK(hub.refused.back() == ErrorCode::not_found);
        // The name is free again, and the old key does not speak for whoever takes it.
        const TempDir other;
        REQUIRE((co_await join(hub, other, co_await hub.token(), "edge-1")).has_value());
        CHECK((co_await hub.ask(joined->credentials, "/whoami"))->status == 403);
    });
}

TEST_CASE("enrolment: leaving deletes the Node and the credentials", "[enrolment]") {
    with_hub([](Hub& hub) -> Task<> {
        const TempDir dir;
        REQUIRE((co_await join(hub, dir, co_await hub.token(), "edge-1")).has_value());
        const auto left = co_await security::leave(dir.path(), hub.endpoint(), hub.time());
        CHECK(left.has_value());
        const auto node = co_await hub.api.client().get(kubeapi::kNodes, "", "edge-1");
        CHECK(node.error().code() == ErrorCode::not_found);
        CHECK(security::load_credentials(dir.path()).error().code() == ErrorCode::not_found);
    });
}

TEST_CASE("enrolment: a stranger without a certificate is nobody", "[enrolment]") {
    with_hub([](Hub& hub) -> Task<> {
        net::HttpRequest request;
        request.target = "/whoami";
        net::TlsClientConfig tls;
        tls.ca_pem = hub.credentials.authority().certificate().pem;
        tls.server_name = "127.0.0.1";
        tls.trusted_now = hub.time();
        const auto answer = co_await net::http_request(hub.endpoint(), tls, request);
        CHECK(answer->status == 403);
        CHECK(hub.refused.back() == ErrorCode::unauthenticated);
    });
}

TEST_CASE("enrolment: run publishes the hub for those who make tokens", "[enrolment]") {
    with_hub([](Hub& hub) -> Task<> {
        int renewals = 0;
        const auto on_renewed = [&renewals](net::TlsServerConfig) { ++renewals; };
        TaskGroup group(hub.executor);
        group.spawn(hub.enrolment.run(on_renewed));
        Result<enrolment::HubInfo> info = fail(ErrorCode::unavailable, "not yet");
        while (!info) {
            info = co_await enrolment::read_hub_info(hub.api.client());
        }
        CHECK(info->ca_pem == hub.credentials.authority().certificate().pem);
        CHECK(info->hubs.at(0).host == "127.0.0.1");
        group.cancel();
        co_await group.join();
        CHECK(renewals == 0);
    });
}
