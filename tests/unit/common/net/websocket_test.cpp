// SPDX-License-Identifier: Apache-2.0
#include "common/net/websocket.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/async/timeout.hpp"
#include "common/net/http_client.hpp"
#include "common/net/http_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/test_pki.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <string>
#include <vector>

using namespace farhold;
using namespace farhold::net;
using namespace std::chrono_literals;
using farhold::test::run_task;
using farhold::test::TestPki;

namespace {

constexpr auto kForever = 1h;

// Echoes on /echo, refuses on /forbidden, closes at once on /closing, does not answer on /mute, stays
// silent elsewhere.
struct EchoHub {
    EchoHub(Executor executor, const TestPki& pki) : left(executor) {
        HttpServerConfig config;
        config.tls = pki.server();
        config.tls->tls13_only = true;
        auto handler = [this](HttpExchange& exchange) { return answer(exchange); };
        server = HttpServer::start(std::move(executor), std::move(config), handler).value();
    }

    Task<> answer(HttpExchange& exchange) {
        const std::string path(exchange.request().path());
        if (path == "/mute") {
            Event never(co_await this_executor);
            co_await never.wait();
        }
        if (path == "/forbidden") {
            co_await exchange.respond(text_response(403, "no\n"));
            co_return;
        }
        WebSocketOptions options;
        options.message_bytes_max = 2 << 20;
        auto socket = co_await exchange.accept_websocket(options);
        if (!socket) {
            co_return;
        }
        if (path == "/closing") {
            co_await (*socket)->close();
        }
        for (;;) {
            auto message = co_await (*socket)->read();
            if (!message) {
                end = message.error();
                left.set();
                co_return;
            }
            if (path == "/echo") {
                co_await (*socket)->write(std::move(*message));
            }
        }
    }

    Endpoint endpoint() const { return {"127.0.0.1", server->port()}; }

    Event left;
    std::optional<Error> end;
    std::unique_ptr<HttpServer> server;
};

Task<> store_read(WebSocket& socket, Event& began, std::optional<Result<std::string>>& result) {
    began.set();  // Whoever waits for it runs when the read has begun.
    result.emplace(co_await socket.read());
}

}  // namespace

TEST_CASE("websocket: carries messages of a megabyte both ways", "[net]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        EchoHub hub(co_await this_executor, pki);
        auto socket = co_await connect_websocket(hub.endpoint(), pki.client(), "/echo");
        REQUIRE(socket.has_value());
        std::string message(1 << 20, '\0');
        for (std::size_t at = 0; at < message.size(); ++at) {
            message[at] = static_cast<char>(at * 7 / 3);
        }
        for (int round = 0; round < 3; ++round) {
            CHECK((co_await (*socket)->write(message)).has_value());
            const auto echoed = co_await (*socket)->read();
            REQUIRE(echoed.has_value());
            CHECK((*echoed == message));
        }
        CHECK((co_await (*socket)->write("")).has_value());
        CHECK((co_await (*socket)->read()).value().empty());
        co_await (*socket)->close();
        co_await hub.left.wait();
        CHECK(hub.end->code() == ErrorCode::unavailable);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("websocket: a message beyond the limit ends the connection", "[net]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        EchoHub hub(co_await this_executor, pki);
        auto socket = co_await connect_websocket(hub.endpoint(), pki.client(), "/echo");
        const std::string too_long((2 << 20) + 1, 'x');
        co_await (*socket)->write(too_long);
        const auto answer = co_await (*socket)->read();
        CHECK(answer.error().code() == ErrorCode::unavailable);
        co_await hub.left.wait();
        CHECK(hub.end->code() == ErrorCode::resource_exhausted);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("websocket: close_now ends a pending read at once", "[net]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        const TestPki pki;
        EchoHub hub(executor, pki);
        auto socket = co_await connect_websocket(hub.endpoint(), pki.client(), "/silent");
        REQUIRE(socket.has_value());
        std::optional<Result<std::string>> read;
        Event began(executor);
        TaskGroup group(executor);
        group.spawn(store_read(**socket, began, read));
        co_await began.wait();
        CHECK_FALSE(read.has_value());
        (*socket)->close_now();
        co_await group.join();
        CHECK(read.value().error().code() == ErrorCode::cancelled);
        co_await hub.left.wait();
        CHECK(hub.end->code() == ErrorCode::unavailable);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("websocket: a read can be given up", "[net]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        EchoHub hub(co_await this_executor, pki);
        auto socket = co_await connect_websocket(hub.endpoint(), pki.client(), "/silent");
        const auto late = co_await with_timeout((*socket)->read(), 20ms);
        CHECK(late.error().code() == ErrorCode::deadline);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("websocket: a close by the peer ends the read as unavailable", "[net]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        EchoHub hub(co_await this_executor, pki);
        auto socket = co_await connect_websocket(hub.endpoint(), pki.client(), "/closing");
        REQUIRE(socket.has_value());
        CHECK((co_await (*socket)->read()).error().code() == ErrorCode::unavailable);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("websocket: the server's stop ends sessions at once", "[net]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        EchoHub hub(co_await this_executor, pki);
        auto socket = co_await connect_websocket(hub.endpoint(), pki.client(), "/silent");
        co_await hub.server->stop(kForever);
        CHECK(hub.end->code() == ErrorCode::cancelled);
        CHECK((co_await (*socket)->read()).error().code() == ErrorCode::unavailable);
    });
}

TEST_CASE("websocket: a refused upgrade says so", "[net]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        EchoHub hub(co_await this_executor, pki);
        const auto refused = co_await connect_websocket(hub.endpoint(), pki.client(), "/forbidden");
        CHECK(refused.error().code() == ErrorCode::permission_denied);
        CHECK(refused.error().message().ends_with("the server answered 403: no"));
        HttpRequest request;
        request.target = "/echo";
        const auto response = co_await http_request(hub.endpoint(), pki.client(), request);
        CHECK(response.value().status == 400);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("websocket: tells how far an attempt has come", "[net]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        EchoHub hub(co_await this_executor, pki);
        std::vector<DialPhase> phases;
        WebSocketOptions options;
        options.dial.on_phase = [&phases](DialPhase phase) { phases.push_back(phase); };
        const auto socket =
            co_await connect_websocket(hub.endpoint(), pki.client(), "/silent", options);
        CHECK(socket.has_value());
        const std::vector all{
            DialPhase::name, DialPhase::connect, DialPhase::tls, DialPhase::upgrade
        };
        CHECK((phases == all));
        CHECK((*socket)->quiet_for() < 30s);
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("websocket: each step of an attempt has a time limit of its own", "[net]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        WebSocketOptions options;
        options.dial.tls_timeout = 50ms;
        options.dial.upgrade_timeout = 50ms;
        const auto executor = co_await this_executor;
        // The kernel connects, and nobody says anything.
        boost::asio::ip::tcp::acceptor mute(executor, {boost::asio::ip::address_v4::loopback(), 0});
        const Endpoint nobody{"127.0.0.1", mute.local_endpoint().port()};
        const auto no_tls = co_await connect_websocket(nobody, pki.client(), "/", options);
        CHECK(no_tls.error().code() == ErrorCode::deadline);
        CHECK(no_tls.error().message() == "connect to 127.0.0.1: TLS: no answer in time");
        EchoHub hub(executor, pki);
        const auto no_upgrade =
            co_await connect_websocket(hub.endpoint(), pki.client(), "/mute", options);
        CHECK(no_upgrade.error().code() == ErrorCode::deadline);
        CHECK(
            no_upgrade.error().message() ==
            "connect to 127.0.0.1: WebSocket upgrade: no answer in time"
        );
        co_await hub.server->stop(0s);
    });
}

TEST_CASE("websocket: where a name led last time is taken when it leads nowhere", "[net]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        EchoHub hub(co_await this_executor, pki);
        const Endpoint lost{"no-such-host.invalid", hub.server->port()};
        WebSocketOptions options;
        const auto without = co_await connect_websocket(lost, pki.client(), "/echo", options);
        CHECK(without.error().code() == ErrorCode::unavailable);
        options.dial.known_address = "127.0.0.1";
        const auto with = co_await connect_websocket(lost, pki.client(), "/echo", options);
        CHECK(with.has_value());
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("websocket: carries large messages in small segments", "[net]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        EchoHub hub(co_await this_executor, pki);
        WebSocketOptions options;
        options.dial.segment_bytes_max = 1220;
        auto socket = co_await connect_websocket(hub.endpoint(), pki.client(), "/echo", options);
        REQUIRE(socket.has_value());
        const std::string message(300'000, 'x');
        CHECK((co_await (*socket)->write(message)).has_value());
        CHECK((co_await (*socket)->read() == message));
        co_await hub.server->stop(1s);
    });
}

TEST_CASE("websocket: a server of another authority is refused", "[net]") {
    run_task([]() -> Task<> {
        const TestPki pki;
        const TestPki others;
        EchoHub hub(co_await this_executor, others);
        const auto refused = co_await connect_websocket(hub.endpoint(), pki.client(), "/echo");
        CHECK(refused.error().code() == ErrorCode::unauthenticated);
        co_await hub.server->stop(1s);
    });
}
