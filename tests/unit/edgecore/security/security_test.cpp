// SPDX-License-Identifier: Apache-2.0
#include "common/datadir/data_dir.hpp"
#include "common/json/value.hpp"
#include "common/net/http_server.hpp"
#include "edgecore/security/credentials.hpp"
#include "edgecore/security/join.hpp"
#include "edgecore/security/trusted_clock.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_pki.hpp"

#include <chrono>
#include <filesystem>
#include <string>

using namespace farhold;
using namespace farhold::security;
using namespace std::chrono_literals;
using farhold::test::kTestNow;
using farhold::test::run_task;
using farhold::test::TempDir;
using farhold::test::TestPki;

namespace {

constexpr auto kUri = "farhold://c/node/edge-1";

Credentials credentials_for(const TestPki& pki, const std::string& uri = kUri) {
    const auto node = pki.node(uri);
    auto key = pki::PrivateKey::from_pem(node.private_key_pem).value();
    return make_credentials(key, node.certificate_pem, pki.authority.certificate().pem).value();
}

// Answers nothing right, and remembers every byte of application data that reaches it.
struct FalseHub {
    FalseHub(Executor executor, net::TlsServerConfig tls) {
        net::HttpServerConfig config;
        config.tls = std::move(tls);
        auto handler = [this](net::HttpExchange& exchange) { return answer(exchange); };
        server = net::HttpServer::start(std::move(executor), std::move(config), handler).value();
    }

    Task<> answer(net::HttpExchange& exchange) {
        seen += exchange.request().target + exchange.request().body;
        co_await exchange.respond(net::json_response(status, body));
    }

    JoinRequest request(const pki::JoinToken& token) const {
        return {{"127.0.0.1", server->port()}, token, "edge-1", {}, {}};
    }

    std::string seen;
    int status = 200;
    std::string body = "{}";
    std::unique_ptr<net::HttpServer> server;
};

WallTime test_now() {
    return kTestNow;
}

class ManualClock final : public Clock {
public:
    Now now() const override { return current; }
    Now current{Instant{1h}, kTestNow};
};

}  // namespace

TEST_CASE("credentials: survive the disk, with a file that only root reads", "[security]") {
    const TempDir dir;
    const TestPki pki;
    CHECK(load_credentials(dir.path()).error().code() == ErrorCode::not_found);
    const auto credentials = credentials_for(pki);
    REQUIRE(save_credentials(dir.path(), credentials).has_value());
    const auto again = load_credentials(dir.path());
    REQUIRE(again.has_value());
    CHECK(again->identity == pki::NodeIdentity{"c", "edge-1"});
    CHECK(again->certificate.pem == credentials.certificate.pem);
    CHECK(again->authority.key_id == pki.authority.certificate().key_id);
    const auto mode = std::filesystem::status(dir.file("credentials.pem")).permissions();
    CHECK((mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)));
    CHECK(forget_credentials(dir.path()).value());
    CHECK_FALSE(forget_credentials(dir.path()).value());
}

TEST_CASE("credentials: parts that do not belong together are refused", "[security]") {
    const TestPki pki;
    const TestPki others;
    const auto node = pki.node(kUri);
    const auto key = pki::PrivateKey::from_pem(node.private_key_pem).value();
    const std::string authority = pki.authority.certificate().pem;
    CHECK_FALSE(make_credentials(pki::PrivateKey::generate(), node.certificate_pem, authority));
    CHECK_FALSE(make_credentials(key, node.certificate_pem, others.authority.certificate().pem));
    const TempDir dir;
    REQUIRE(datadir::write_file(dir.file("credentials.pem"), node.certificate_pem).has_value());
    CHECK(load_credentials(dir.path()).error().code() == ErrorCode::corrupt);
}

TEST_CASE("credentials: a renewed certificate must be for the same machine", "[security]") {
    const TestPki pki;
    const auto current = credentials_for(pki);
    pki::CertificateSpec spec;
    spec.common_name = "edge-1";
    spec.uris = {kUri};
    spec.client_auth = true;
    const auto& authority = pki.authority;
    const auto good = authority.issue(current.key.public_key(), spec, kTestNow + 60 * 24h).value();
    const auto next = renewed(current, good);
    REQUIRE(next.has_value());
    CHECK(next->certificate.not_after > current.certificate.not_after);
    spec.uris = {"farhold://c/node/edge-2"};
    const auto other_name = authority.issue(current.key.public_key(), spec, kTestNow).value();
    CHECK_FALSE(renewed(current, other_name).has_value());
    CHECK_FALSE(renewed(current, pki.node(kUri).certificate_pem).has_value());
    CHECK_FALSE(renewed(current, "rubbish").has_value());
}

TEST_CASE("renewal_time: lies around two thirds of the life and does not wander", "[security]") {
    const TestPki pki;
    for (int machine = 0; machine < 20; ++machine) {
        const auto certificate = credentials_for(pki).certificate;
        const auto due = renewal_time(certificate);
        CHECK(due == renewal_time(certificate));
        CHECK(due > kTestNow + 56 * 24h);
        CHECK(due < kTestNow + 64 * 24h);
    }
}

TEST_CASE("join: the token never reaches a hub that the token does not prove", "[security]") {
    run_task([]() -> Task<> {
        const TempDir dir;
        const TestPki ours;
        const TestPki others;
        FalseHub hub(co_await this_executor, others.server());
        const auto token = pki::make_join_token(ours.authority.certificate().key_id);
        const auto joined = co_await join(dir.path(), hub.request(token), test_now);
        CHECK(joined.error().code() == ErrorCode::unauthenticated);
        CHECK(hub.seen.empty());
        CHECK(load_credentials(dir.path()).error().code() == ErrorCode::not_found);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("join: the token never reaches a hub of the right CA with another name", "[security]") {
    run_task([]() -> Task<> {
        const TempDir dir;
        const TestPki ours;
        FalseHub hub(co_await this_executor, ours.server());
        auto request = hub.request(pki::make_join_token(ours.authority.certificate().key_id));
        request.hub.host = "localhost";  // The certificate is for 127.0.0.1 only.
        const auto joined = co_await join(dir.path(), request, test_now);
        CHECK(joined.error().code() == ErrorCode::unauthenticated);
        CHECK(hub.seen.empty());
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("join: asks again with the same key until an answer is saved", "[security]") {
    run_task([]() -> Task<> {
        const TempDir dir;
        const TestPki ours;
        FalseHub hub(co_await this_executor, ours.server());
        hub.status = 503;
        const auto token = pki::make_join_token(ours.authority.certificate().key_id);
        const auto first = co_await join(dir.path(), hub.request(token), test_now);
        CHECK(first.error().code() == ErrorCode::unavailable);
        const auto key = datadir::read_file(dir.file("join.key")).value();
        const auto second = co_await join(dir.path(), hub.request(token), test_now);
        CHECK_FALSE(second.has_value());
        CHECK(datadir::read_file(dir.file("join.key")).value() == key);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("join: an answer that does not fit is not saved", "[security]") {
    run_task([]() -> Task<> {
        const TempDir dir;
        const TestPki ours;
        FalseHub hub(co_await this_executor, ours.server());
        const auto token = pki::make_join_token(ours.authority.certificate().key_id);
        const auto node = ours.node(kUri);  // For a key that is not this machine's.
        json::Value answer = json::Value::make_object();
        answer.set("certificate", json::Value::of(node.certificate_pem));
        answer.set("ca", json::Value::of(ours.authority.certificate().pem));
        hub.body = answer.dump();
        CHECK_FALSE((co_await join(dir.path(), hub.request(token), test_now)).has_value());
        CHECK(load_credentials(dir.path()).error().code() == ErrorCode::not_found);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("join: a machine that has joined does not join again", "[security]") {
    run_task([]() -> Task<> {
        const TempDir dir;
        const TestPki ours;
        REQUIRE(save_credentials(dir.path(), credentials_for(ours)).has_value());
        const JoinRequest request{{"127.0.0.1", 1}, pki::make_join_token("x"), "edge-1", {}, {}};
        const auto joined = co_await join(dir.path(), request, test_now);
        CHECK(joined.error().code() == ErrorCode::already_exists);
    });
}

TEST_CASE("leave: forgets the credentials even when the hub is away", "[security]") {
    run_task([]() -> Task<> {
        const TempDir dir;
        const TestPki ours;
        FalseHub hub(co_await this_executor, ours.server());
        REQUIRE(save_credentials(dir.path(), credentials_for(ours)).has_value());
        const net::Endpoint endpoint{"127.0.0.1", hub.server->port()};
        co_await hub.server->stop(1s);
        const auto left = co_await leave(dir.path(), endpoint, test_now);
        CHECK(left.error().code() == ErrorCode::unavailable);
        CHECK(load_credentials(dir.path()).error().code() == ErrorCode::not_found);
    });
}

TEST_CASE("join: reads the hub's address and labels as people write them", "[security]") {
    CHECK(parse_hub_url("wss://hub.example")->port == 10000);
    CHECK(parse_hub_url("wss://hub.example:1234/")->port == 1234);
    CHECK(parse_hub_url("wss://[::1]:99")->host == "::1");
    CHECK(parse_hub_url("wss://[::1]")->port == 10000);
    CHECK_FALSE(parse_hub_url("ws://hub.example").has_value());
    CHECK_FALSE(parse_hub_url("wss://").has_value());
    CHECK(parse_labels({"a=b", "example.com/c="})->at("example.com/c").empty());
    CHECK_FALSE(parse_labels({"a"}).has_value());
    CHECK_FALSE(parse_labels({"a b=c"}).has_value());
    const auto reserved = parse_labels({"a=b", "node-role.kubernetes.io/x=y"});
    CHECK(reserved.error().message().starts_with("label \"node-role.kubernetes.io/x=y\": "));
    CHECK(
        parse_taints({"a=b:NoExecute", "c:NoSchedule"})->at(1) ==
        object::Taint{"c", "", "NoSchedule"}
    );
    CHECK_FALSE(parse_taints({"a=b"}).has_value());
}

TEST_CASE(
    "trusted_clock: remembers what the hub has proved, whatever the wall says", "[security]"
) {
    run_task([]() -> Task<> {
        const TempDir dir;
        ManualClock clock;
        clock.current.wall = WallTime{};  // An empty battery.
        WorkerThread files("files");
        const WallTime proved = build_time() + 1000h;
        {
            TrustedClock time(dir.path(), clock);
            CHECK(time.now() == build_time());
            co_await time.prove(proved, files);
            clock.current.mono += 5min;
            CHECK(time.now() == proved + 5min);
            co_await time.prove(proved + 10min, files);  // Too soon to be written.
        }
        clock.current.mono = Instant{0h};
        TrustedClock after_reboot(dir.path(), clock);
        CHECK(after_reboot.now() == proved);
        REQUIRE(datadir::write_file(dir.file("trusted-time"), "rubbish").has_value());
        const TrustedClock damaged(dir.path(), clock);
        CHECK(damaged.now() == build_time());
        REQUIRE(datadir::write_file(dir.file("trusted-time"), "9223372036854775807").has_value());
        const TrustedClock beyond(dir.path(), clock);
        CHECK(beyond.now() == build_time());
    });
}
