// SPDX-License-Identifier: Apache-2.0
//
// N9, N13, N18: whatever answers in place of the hub, the machine gives it nothing, waits for it for
// a limited time, comes back ever more rarely, and says what it has met.
#include "common/async/timeout.hpp"
#include "common/pki/certificate.hpp"
#include "false_hub.hpp"
#include "false_machine.hpp"

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace farhold;
using namespace farhold::test;  // NOLINT(google-build-using-namespace)

namespace {

constexpr Duration kWatched = 26s;
constexpr std::size_t kAttemptsMax = 13;  // In that time.
constexpr long kGrowthMaxKb = 3000;

using Authority = pki::CertificateAuthority;

WallTime wall_now() {
    return SystemClock().now().wall;
}

pki::CertificateSpec hub_spec() {
    pki::CertificateSpec spec;
    spec.common_name = "farhold-hub";
    spec.ip_addresses = {LinkEmulator::kCloudAddress};
    spec.server_auth = true;
    return spec;
}

net::TlsServerConfig tls_of(
    const Authority& authority, const pki::CertificateSpec& spec, WallTime issued
) {
    const auto key = pki::PrivateKey::generate();
    net::TlsServerConfig tls;
    tls.certificate_chain_pem =
        authority.issue(key.public_key(), spec, issued).value() + authority.certificate().pem;
    tls.private_key_pem = key.to_pem();
    tls.client_ca_pem = authority.certificate().pem;
    tls.tls13_only = true;
    tls.trusted_now = [] { return wall_now(); };
    return tls;
}

// One false hub, the machine that meets it, and what is expected.
struct Meeting {
    std::string name;
    std::string expected;  // A part of what `edgecore status` says then.
    std::unique_ptr<RawHub> raw;
    std::unique_ptr<TlsHub> tls;
    bool is_authentic = false;  // It has proved itself, and may see a request.
    std::optional<FalseMachine> machine;
    long resident_kb = 0;

    std::string hub() const {
        const auto port = raw ? raw->port() : tls->port();
        return std::string(LinkEmulator::kCloudAddress) + ":" + std::to_string(port);
    }
    std::size_t attempts() const {
        if (raw) return raw->connections();
        return static_cast<std::size_t>(tls->handshakes_failed() + tls->requests());
    }
};

class Meetings {
public:
    explicit Meetings(LinkSite& here)
        : here_(here),
          real_(Authority::load(file("hub-ca.crt"), file("hub-ca.key")).value()),
          elsewhere_(here.line.cloud(), LinkEmulator::kCloudAddress, {}) {}

    void raw(std::string name, std::string expected, RawBehaviour behaviour) {
        Meeting& one = all_.emplace_back();
        one.name = std::move(name);
        one.expected = std::move(expected);
        one.raw = std::make_unique<RawHub>(
            here_.line.cloud(), LinkEmulator::kCloudAddress, std::move(behaviour)
        );
    }
    void tls(std::string name, std::string expected, net::TlsServerConfig config) {
        Meeting& one = all_.emplace_back();
        one.name = std::move(name);
        one.expected = std::move(expected);
        one.tls = std::make_unique<TlsHub>(
            here_.line.cloud(), LinkEmulator::kCloudAddress, std::move(config),
            [](net::HttpExchange&) -> Task<> { co_await never(); }
        );
    }
    // With the hub's own certificate.
    void authentic(std::string name, std::string expected, TlsHub::Handler handler) {
        Meeting& one = all_.emplace_back();
        one.name = std::move(name);
        one.expected = std::move(expected);
        one.is_authentic = true;
        one.tls = std::make_unique<TlsHub>(
            here_.line.cloud(), LinkEmulator::kCloudAddress, tls_of(real_, hub_spec(), wall_now()),
            std::move(handler)
        );
    }

    void watch() {
        for (Meeting& one : all_) {
            one.machine.emplace(here_, "meets-" + std::to_string(++number_), one.hub());
            (*one.machine)->start_without_waiting();
        }
        for (Meeting& one : all_) (*one.machine)->wait_until_up();
        for_a_while(kWatched / 3, [] {});
        for (Meeting& one : all_) one.resident_kb = one.machine->resident_kb();
        for_a_while(kWatched * 2 / 3, [] {});
        for (Meeting& one : all_) judge(one);
        CHECK(elsewhere_.connections() == 0);
    }

    const Authority& real() const { return real_; }
    // Where nobody may be sent to.
    std::string elsewhere() const {
        return std::string(LinkEmulator::kCloudAddress) + ":" + std::to_string(elsewhere_.port());
    }

private:
    std::string file(const std::string& name) const {
        return read_text(here_.site.cloud.data_dir() + "/" + name);
    }

    static void judge(Meeting& one) {
        const std::string trouble = one.machine->trouble();
        INFO(one.name << ": " << trouble);
        CHECK(trouble.find(one.expected) != std::string::npos);
        CHECK(one.attempts() >= 1);
        CHECK(one.attempts() <= kAttemptsMax);
        const long now_kb = one.machine->resident_kb();
        CHECK(now_kb > 0);
        CHECK(now_kb - one.resident_kb < kGrowthMaxKb);
        if (one.raw) {
            CHECK(one.raw->longest() < 11s);
            // A handshake and nothing else; above all no request.
            const std::string received = one.raw->received();
            if (!received.empty()) CHECK(received[0] == '\x16');
            CHECK(received.find("HTTP/1.1") == std::string::npos);
            CHECK(received.find("fh1.") == std::string::npos);
        } else if (!one.is_authentic) {
            CHECK(one.tls->handshakes_failed() >= 1);
            CHECK(one.tls->requests() == 0);
        }
        (*one.machine)->stop();
        std::printf(
            "%s: %zu attempts in %.0f s, \"%s\"\n", one.name.c_str(), one.attempts(),
            to_seconds(kWatched), trouble.c_str()
        );
    }

    LinkSite& here_;
    Authority real_;
    RawHub elsewhere_;
    std::list<Meeting> all_;
    int number_ = 0;
};

Task<> hold_websocket(net::HttpExchange& exchange) {
    const auto socket = co_await exchange.accept_websocket({});
    co_await never();
}

Task<> close_websocket(net::HttpExchange& exchange) {
    const auto socket = co_await exchange.accept_websocket({});
    if (socket) co_await (*socket)->close();
}

Task<> send_message(net::HttpExchange& exchange, std::size_t bytes) {
    const auto socket = co_await exchange.accept_websocket({});
    if (!socket) co_return;
    std::string message(bytes, '\x05');
    const auto sent = co_await (*socket)->write(std::move(message));
    if (sent) co_await never();
}

// Writes that, and then more and more of the other as long as it is taken.
Task<> write_for_ever(net::HttpExchange& exchange, std::string first, std::string more) {
    const auto stream = co_await exchange.hijack();
    if (!stream) co_return;
    auto written = co_await (*stream)->write(first);
    while (written) written = co_await (*stream)->write(more);
}

Task<> trickle(net::HttpExchange& exchange, std::string text) {
    const auto stream = co_await exchange.hijack();
    if (!stream) co_return;
    for (const char& one : text) {
        const auto written = co_await (*stream)->write({&one, 1});
        if (!written) co_return;
        co_await sleep_for(1s);
    }
    co_await never();
}

void meet_bytes(Meetings& meetings) {
    meetings.raw("a peer that says nothing", "TLS: no answer in time", {});
    meetings.raw(
        "a peer that says a byte a second", "TLS: no answer in time",
        {.each_second = std::string("\x16\x03\x03\x40\x00\x02", 6) + std::string(100, '\0')}
    );
    meetings.raw(
        "a peer that talks garbage", "the peer speaks something else",
        {.at_once = std::string(4000, '\xa5')}
    );
    meetings.raw("a peer that hangs up", "connect to 10.9.0.1", {.close_at_once = true});
    meetings.raw(
        "a captive portal", "the peer speaks something else",
        {.at_once = "HTTP/1.1 302 Found\r\nLocation: http://" + meetings.elsewhere() +
                    "/login\r\nContent-Length: 0\r\n\r\n"}
    );
}

void meet_certificates(Meetings& meetings) {
    const auto other = Authority::create("farhold-hub-ca", wall_now());
    meetings.tls(
        "a hub of another authority", "has not proved to be the hub",
        tls_of(other, hub_spec(), wall_now())
    );
    auto chain = tls_of(other, hub_spec(), wall_now());
    while (chain.certificate_chain_pem.size() < 20'000) {
        chain.certificate_chain_pem += Authority::create("other", wall_now()).certificate().pem;
    }
    meetings.tls("a hub with a chain of 20 kB", "has not proved to be the hub", chain);
    auto other_name = hub_spec();
    other_name.ip_addresses = {"10.9.0.77"};
    meetings.tls(
        "a hub of another name", "IP address mismatch",
        tls_of(meetings.real(), other_name, wall_now())
    );
    auto for_clients = hub_spec();
    for_clients.server_auth = false;
    for_clients.client_auth = true;
    meetings.tls(
        "a hub with a machine's certificate", "has not proved to be the hub",
        tls_of(meetings.real(), for_clients, wall_now())
    );
    meetings.tls(
        "a hub whose certificate has expired", "certificate has expired",
        tls_of(meetings.real(), hub_spec(), wall_now() - 24h * 1000)
    );
}

void meet_misbehaviour(Meetings& meetings) {
    meetings.authentic(
        "a hub that answers nothing", "WebSocket upgrade: no answer in time",
        [](auto& exchange) -> Task<> {
            const auto stream = co_await exchange.hijack();
            co_await never();
        }
    );
    meetings.authentic(
        "a hub that answers a byte a second", "WebSocket upgrade: no answer in time",
        [](auto& exchange) { return trickle(exchange, "HTTP/1.1 101 Switching Protocols\r\n"); }
    );
    const std::string target = "https://" + meetings.elsewhere() + "/";
    meetings.authentic(
        "a hub that sends elsewhere", "the server answered 302",
        [target](auto& exchange) -> Task<> {
            auto response = net::text_response(302, "");
            response.headers.add("Location", target);
            co_await exchange.respond(std::move(response));
        }
    );
    meetings.authentic("a hub that refuses without end", "connect to 10.9.0.1", [](auto& exchange) {
        return write_for_ever(exchange, "HTTP/1.1 503 No\r\n\r\n", std::string(16 << 10, 'x'));
    });
    meetings.authentic("a hub whose header has no end", "connect to 10.9.0.1", [](auto& exchange) {
        return write_for_ever(
            exchange, "HTTP/1.1 101 Yes\r\n", "X-More: " + std::string(1000, 'x') + "\r\n"
        );
    });
    meetings.authentic("a hub that welcomes nobody", "the hub is silent", hold_websocket);
    meetings.authentic("a hub that says goodbye at once", "the peer closed", close_websocket);
    meetings.authentic("a hub that sends garbage", "protocol error", [](auto& exchange) {
        return send_message(exchange, 1000);
    });
    meetings.authentic(
        "a hub that sends 10 MB at once", "the message is too long",
        [](auto& exchange) { return send_message(exchange, 10 << 20); }
    );
}

}  // namespace

TEST_CASE("link: whatever answers in place of the hub gets nothing", "[faults][link]") {
    LinkSite here;
    here.site.run_pod("hello");
    const auto before = identities(here.site.runtime);
    const auto epoch = here.epoch();
    {
        Meetings meetings(here);
        meet_bytes(meetings);
        meet_certificates(meetings);
        meet_misbehaviour(meetings);
        meetings.watch();
    }
    // None of them came through to the real hub with the credentials that they have.
    CHECK(here.epoch() == epoch);
    here.site.require_healed();
    CHECK(identities(here.site.runtime) == before);
}

TEST_CASE("link: a captive portal gets no join token", "[faults][link]") {
    LinkSite here;
    const RawHub portal(
        here.line.cloud(), LinkEmulator::kCloudAddress,
        {.at_once = "HTTP/1.1 302 Found\r\nLocation: http://10.9.0.1/\r\n\r\n"}
    );
    const auto other = Authority::create("farhold-hub-ca", wall_now());
    const TlsHub false_hub(
        here.line.cloud(), LinkEmulator::kCloudAddress, tls_of(other, hub_spec(), wall_now()),
        [](net::HttpExchange&) -> Task<> { co_await never(); }
    );
    for (const auto port : {portal.port(), false_hub.port()}) {
        const auto joined = run_to_end(in_network_namespace(
            here.line.edge().name(),
            {program("edgecore"), "join",
             std::string("wss://") + LinkEmulator::kCloudAddress + ":" + std::to_string(port),
             "--token", here.site.cloud.token(), "--node-name", "edge-2", "--data-dir",
             here.site.folder() + "/edge-2", "--config", here.site.folder() + "/edge-2.yaml"}
        ));
        CHECK(joined.exit_code == 1);
        std::printf("join through something else: %s", joined.output.c_str());
    }
    CHECK(portal.connections() == 1);
    CHECK(portal.received().find("HTTP") == std::string::npos);
    CHECK(false_hub.requests() == 0);
    here.site.require_healed();
}
