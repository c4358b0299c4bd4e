// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_pool.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/net/http_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"

#include <set>
#include <string>

using namespace farhold;
using namespace farhold::net;
using namespace std::chrono_literals;
using farhold::test::run_task;

namespace {

// Answers with the peer's port, so that a connection used again shows.
Task<> tell_port(HttpExchange& exchange) {
    co_await exchange.respond(text_response(200, std::to_string(exchange.peer().port)));
}

HttpRequest get(std::string target) {
    HttpRequest request;
    request.target = std::move(target);
    return request;
}

std::unique_ptr<HttpServer> serve(const Executor& executor, HttpHandler handler, int port = 0) {
    HttpServerConfig config;
    config.listen.port = static_cast<std::uint16_t>(port);
    return HttpServer::start(executor, std::move(config), std::move(handler)).value();
}

}  // namespace

TEST_CASE("A connection is used again, and another one after the server has closed it") {
    run_task([]() -> Task<> {
        const Executor executor = co_await this_executor;
        auto server = serve(executor, tell_port);
        const auto port = server->port();
        HttpPool pool({"127.0.0.1", port});
        std::set<std::string> ports;
        for (int i = 0; i < 3; ++i) {
            const auto answer = co_await pool.request(get("/"));
            REQUIRE(answer);
            ports.insert(answer->body);
        }
        CHECK(ports.size() == 1);
        co_await server->stop(0s);
        server = serve(executor, tell_port, port);
        const auto answer = co_await pool.request(get("/"));
        REQUIRE(answer);
        CHECK_FALSE(ports.contains(answer->body));
        co_await server->stop(0s);
        const auto refused = co_await pool.request(get("/"));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == ErrorCode::unavailable);
        CHECK(refused.error().message().contains("GET 127.0.0.1:" + std::to_string(port)));
    });
}

TEST_CASE("Requests at the same time have connections of their own") {
    run_task([]() -> Task<> {
        const Executor executor = co_await this_executor;
        int waiting = 0;
        Event both(executor);
        const auto wait_for_two = [&](HttpExchange& exchange) -> Task<> {
            if (++waiting == 2) {
                both.set();
            } else {
                co_await both.wait();
            }
            co_await exchange.respond(text_response(200, ""));
        };
        auto server = serve(executor, wait_for_two);
        HttpPool pool({"127.0.0.1", server->port()});
        const auto ask = [&pool]() -> Task<> {
            const auto answer = co_await pool.request(get("/"));
            CHECK(answer);
        };
        TaskGroup group(executor);
        group.spawn(ask());
        group.spawn(ask());
        co_await group.join();
        CHECK(waiting == 2);
        co_await server->stop(0s);
    });
}

TEST_CASE("A streamed answer comes piece by piece, and its end is told from a break") {
    run_task([]() -> Task<> {
        const Executor executor = co_await this_executor;
        Event go_on(executor);
        const auto stream = [&](HttpExchange& exchange) -> Task<> {
            co_await exchange.begin_stream(200, {{"Content-Type", "text/plain"}});
            co_await exchange.write_chunk("one");
            co_await go_on.wait();
            co_await exchange.write_chunk("two");
            if (exchange.request().target == "/whole") co_await exchange.end_stream();
        };
        auto server = serve(executor, stream);
        HttpPool pool({"127.0.0.1", server->port()});
        for (const bool is_whole : {true, false}) {
            CAPTURE(is_whole);
            const auto answer = co_await pool.open(get(is_whole ? "/whole" : "/broken"));
            REQUIRE(answer);
            CHECK((*answer)->status() == 200);
            CHECK((*answer)->headers().get("content-type") == "text/plain");
            const auto first = co_await (*answer)->next();
            CHECK(first == "one");
            go_on.set();
            const auto second = co_await (*answer)->next();
            CHECK(second == "two");
            const auto end = co_await (*answer)->next();
            CHECK(end.has_value() == is_whole);
        }
        co_await server->stop(0s);
    });
}

TEST_CASE("A server that does not answer in time is an error") {
    run_task([]() -> Task<> {
        const Executor executor = co_await this_executor;
        const auto say_nothing = [](HttpExchange&) -> Task<> {
            Event never(co_await this_executor);
            co_await never.wait();
        };
        auto server = serve(executor, say_nothing);
        HttpPoolOptions options;
        options.timeout = 20ms;
        HttpPool pool({"127.0.0.1", server->port()}, options);
        const auto answer = co_await pool.request(get("/"));
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code() == ErrorCode::deadline);
        const auto stream = co_await pool.open(get("/"));
        REQUIRE_FALSE(stream);
        CHECK(stream.error().code() == ErrorCode::deadline);
        co_await server->stop(0s);
    });
}
