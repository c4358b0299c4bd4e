// SPDX-License-Identifier: Apache-2.0
#include "common/async/worker_thread.hpp"
#include "common/net/http_client.hpp"
#include "common/net/http_server.hpp"
#include "common/pki/openssl.hpp"
#include "raw_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/test_pki.hpp"

#include <openssl/ssl.h>

#include <string>

using namespace farhold;
using namespace farhold::net;
using namespace std::chrono_literals;
using farhold::test::contains;
using farhold::test::kTestNow;
using farhold::test::RawClient;
using farhold::test::run_task;
using farhold::test::TestPki;

namespace {

constexpr auto kUri = "farhold://c/node/edge-1";

// A server that remembers who asked, and the handshakes that failed.
struct Hub {
    Hub(Executor executor, TlsServerConfig tls, Duration tls_timeout = 10s) {
        HttpServerConfig config;
        config.tls = std::move(tls);
        config.tls_timeout = tls_timeout;
        config.on_tls_failure = [this](const std::string&, const Error& error) {
            failures.push_back(error);
        };
        auto handler = [this](HttpExchange& exchange) { return answer(exchange); };
        server = HttpServer::start(std::move(executor), std::move(config), handler).value();
    }

    Task<> answer(HttpExchange& exchange) {
        peers.push_back(exchange.peer());
        co_await exchange.respond(text_response(200, "hello"));
    }

    Task<Result<HttpResponse>> ask(TlsClientConfig tls) {
        HttpRequest request;
        request.headers.add("Authorization", "Bearer the-token");
        const Endpoint endpoint{"127.0.0.1", server->port()};
        co_return co_await http_request(endpoint, std::move(tls), std::move(request));
    }

    std::vector<PeerIdentity> peers;
    std::vector<Error> failures;
    std::unique_ptr<HttpServer> server;
};

// The server does not want our certificate.
bool refused_us(const Result<HttpResponse>& response) {
    return !response && response.error().code() == ErrorCode::permission_denied;
}

bool was_refused(const Result<HttpResponse>& response) {
    return !response && response.error().code() == ErrorCode::unauthenticated;
}

}  // namespace

TEST_CASE("tls: both sides know each other by their certificates", "[net][tls]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        Hub hub(co_await this_executor, pki.server());
        const auto node = pki.node(kUri);
        const auto response = co_await hub.ask(pki.client(node));
        REQUIRE(response.has_value());
        CHECK(response->body == "hello");
        REQUIRE(hub.peers.size() == 1);
        const PeerIdentity& peer = hub.peers.front();
        CHECK(peer.address == "127.0.0.1");
        CHECK(peer.has_certificate);
        CHECK_FALSE(peer.expired_only);
        CHECK(peer.san_uris == std::vector<std::string>{kUri});
        const auto certificate = farhold::pki::Certificate::from_pem(node.certificate_pem);
        CHECK(peer.spki_sha256_hex == certificate->key_id);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: a server of another authority is refused before anything is said", "[net][tls]") {
    run_task([]() -> Task<> {
        const TestPki ours;
        const TestPki others;
        Hub hub(co_await this_executor, others.server());
        CHECK(was_refused(co_await hub.ask(ours.client())));
        auto pinned = ours.client();
        pinned.ca_pem.clear();
        pinned.ca_spki_sha256_hex = ours.authority.certificate().key_id;
        CHECK(was_refused(co_await hub.ask(pinned)));
        CHECK(hub.peers.empty());
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: the hash of the authority's key is enough to prove a server", "[net][tls]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        Hub hub(co_await this_executor, pki.server());
        auto pinned = pki.client();
        pinned.ca_pem.clear();
        pinned.ca_spki_sha256_hex = pki.authority.certificate().key_id;
        const auto response = co_await hub.ask(pinned);
        CHECK(response.has_value());
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: an authority's key in a foreign chain proves nothing", "[net][tls]") {
    run_task([]() -> Task<> {
        const TestPki ours;
        const TestPki others;
        auto chain = others.server();
        chain.certificate_chain_pem += ours.authority.certificate().pem;
        Hub hub(co_await this_executor, chain);
        auto pinned = ours.client();
        pinned.ca_pem.clear();
        pinned.ca_spki_sha256_hex = ours.authority.certificate().key_id;
        CHECK(was_refused(co_await hub.ask(pinned)));
        CHECK(hub.peers.empty());
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: a server with another name is refused", "[net][tls]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        Hub hub(co_await this_executor, pki.server());
        auto client = pki.client();
        client.server_name = "hub.example";
        CHECK(was_refused(co_await hub.ask(client)));
        client.server_name = "127.0.0.2";
        CHECK(was_refused(co_await hub.ask(client)));
        CHECK(hub.peers.empty());
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: certificates are good only for what they were issued for", "[net][tls]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        // A node's certificate on a server.
        farhold::pki::CertificateSpec spec;
        spec.common_name = "edge-1";
        spec.ip_addresses = {"127.0.0.1"};
        spec.client_auth = true;
        const auto node = pki.issue(spec);
        auto impostor = pki.server();
        impostor.certificate_chain_pem = node.certificate_pem;
        impostor.private_key_pem = node.private_key_pem;
        Hub false_hub(co_await this_executor, impostor);
        CHECK(was_refused(co_await false_hub.ask(pki.client())));
        co_await false_hub.server->stop(1s);
        // A server's certificate on a client.
        spec.client_auth = false;
        spec.server_auth = true;
        Hub hub(co_await this_executor, pki.server());
        const auto false_node = pki.issue(spec);
        CHECK_FALSE((co_await hub.ask(pki.client(false_node))).has_value());
        CHECK(hub.peers.empty());
        co_await hub.server->stop(1s);
    });
}

TEST_CASE(
    "tls: a client without a certificate is let in only where that is allowed", "[net][tls]"
) {
    run_task([]() -> Task<> {
        const TestPki pki;
        Hub open(co_await this_executor, pki.server());
        const auto anonymous = co_await open.ask(pki.client());
        CHECK(anonymous.has_value());
        CHECK_FALSE(open.peers.at(0).has_certificate);
        co_await open.server->stop(1s);
        auto strict = pki.server();
        strict.client_certificate_required = true;
        Hub hub(co_await this_executor, strict);
        CHECK(refused_us(co_await hub.ask(pki.client())));
        CHECK(hub.peers.empty());
        CHECK(hub.failures.at(0).code() == ErrorCode::unauthenticated);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: a client certificate of another authority is refused", "[net][tls]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        const TestPki others;
        Hub hub(co_await this_executor, pki.server());
        CHECK(refused_us(co_await hub.ask(pki.client(others.node(kUri)))));
        CHECK(hub.peers.empty());
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: an expired client certificate is refused, or let in as expired", "[net][tls]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        const auto expired = pki.node(kUri, kTestNow - 91 * 24h);
        Hub strict(co_await this_executor, pki.server());
        CHECK(refused_us(co_await strict.ask(pki.client(expired))));
        co_await strict.server->stop(1s);
        auto lenient = pki.server();
        lenient.allow_expired_client_certificates = true;
        Hub hub(co_await this_executor, lenient);
        const auto response = co_await hub.ask(pki.client(expired));
        CHECK(response.has_value());
        CHECK(hub.peers.at(0).has_certificate);
        CHECK(hub.peers.at(0).expired_only);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: an expired server is refused by trusted time", "[net][tls]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        Hub hub(co_await this_executor, pki.server(kTestNow - 91 * 24h));
        CHECK(was_refused(co_await hub.ask(pki.client())));
        CHECK(hub.peers.empty());
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: a machine that thinks it is 1970 still reaches its hub", "[net][tls]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        Hub hub(co_await this_executor, pki.server());
        auto client = pki.client();
        client.trusted_now = [] { return WallTime{}; };
        CHECK((co_await hub.ask(client)).has_value());
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: plain HTTP gets nothing from a TLS port, and the other way round", "[net][tls]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        const TestPki pki;
        Hub hub(executor, pki.server());
        RawClient plain(executor);
        co_await plain.connect(hub.server->port());
        co_await plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK_FALSE(contains(co_await plain.read_all(), "200"));
        CHECK(hub.failures.size() == 1);
        CHECK(hub.peers.empty());
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: a peer that begins no handshake is dropped in time", "[net][tls]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        const TestPki pki;
        Hub hub(executor, pki.server(), 50ms);
        RawClient silent(executor);
        co_await silent.connect(hub.server->port());
        CHECK((co_await silent.read_all()).empty());
        CHECK(hub.failures.at(0).code() == ErrorCode::deadline);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: a new certificate is shown to connections from then on", "[net][tls]") {
    run_task([]() -> Task<> {
        const TestPki old_pki;
        const TestPki new_pki;
        Hub hub(co_await this_executor, old_pki.server());
        CHECK(was_refused(co_await hub.ask(new_pki.client())));
        CHECK(hub.server->replace_tls(new_pki.server()).has_value());
        CHECK((co_await hub.ask(new_pki.client())).has_value());
        auto broken = new_pki.server();
        broken.private_key_pem = old_pki.server().private_key_pem;
        CHECK_FALSE(hub.server->replace_tls(broken).has_value());
        CHECK((co_await hub.ask(new_pki.client())).has_value());
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("tls: an incomplete configuration is an error, never less verification", "[net][tls]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        Hub hub(co_await this_executor, pki.server());
        auto no_ca = pki.client();
        no_ca.ca_pem.clear();
        auto empty_ca = pki.client();
        empty_ca.ca_pem = "\n";
        auto no_name = pki.client();
        no_name.server_name.clear();
        auto no_time = pki.client();
        no_time.trusted_now = nullptr;
        for (const auto& config : {no_ca, empty_ca, no_name, no_time}) {
            const auto response = co_await hub.ask(config);
            REQUIRE_FALSE(response.has_value());
            CHECK(response.error().code() == ErrorCode::invalid_argument);
        }
        CHECK(hub.peers.empty());
        co_await hub.server->stop(1s);
    });
}

namespace {

// What a client of at most that version achieves: the version spoken, or 0.
int speak_at_most(int version, std::uint16_t port) {
    const std::unique_ptr<SSL_CTX, farhold::pki::Freer<SSL_CTX_free>> context(
        SSL_CTX_new(TLS_client_method())
    );
    SSL_CTX_set_max_proto_version(context.get(), version);
    const std::string address = "127.0.0.1:" + std::to_string(port);
    const farhold::pki::BioPtr bio(BIO_new_ssl_connect(context.get()));
    BIO_set_conn_hostname(bio.get(), address.c_str());
    SSL* ssl = nullptr;
    BIO_get_ssl(bio.get(), &ssl);
    return BIO_do_handshake(bio.get()) == 1 ? SSL_version(ssl) : 0;
}

}  // namespace

TEST_CASE("tls: the machines' port speaks TLS 1.3 only, others 1.2 as well", "[net][tls]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        const TestPki pki;
        WorkerThread worker("tls-client");
        for (const bool only_13 : {true, false}) {
            auto config = pki.server();
            config.tls13_only = only_13;
            Hub hub(executor, config);
            const auto port = hub.server->port();
            const auto speak_12 = [port] { return speak_at_most(TLS1_2_VERSION, port); };
            const auto speak_13 = [port] { return speak_at_most(TLS1_3_VERSION, port); };
            CHECK(co_await worker.run(speak_12) == (only_13 ? 0 : TLS1_2_VERSION));
            CHECK(co_await worker.run(speak_13) == TLS1_3_VERSION);
            co_await hub.server->stop(1s);
        }
    });
}
