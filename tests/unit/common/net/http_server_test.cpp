// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_server.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/async/timeout.hpp"
#include "common/net/http_client.hpp"
#include "raw_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <string>

using namespace farhold;
using namespace farhold::net;
using namespace std::chrono_literals;
using farhold::test::contains;
using farhold::test::RawClient;
using farhold::test::run_task;

namespace {

constexpr auto kForever = 1h;

Task<> echo(HttpExchange& exchange) {
    const auto& request = exchange.request();
    co_await exchange.respond(text_response(200, request.method + request.target + request.body));
}

Task<> answer_nothing(HttpExchange&) {
    co_return;
}

// A watch on which nothing ever happens after the first line.
struct QuietStream {
    explicit QuietStream(Executor executor) : ended(executor), never(executor) {}

    Task<> operator()(HttpExchange& exchange) {
        const OnExit on_exit{ended};
        co_await exchange.begin_stream(200, {{"Content-Type", "text/plain"}});
        co_await exchange.write_chunk("first line\n");
        co_await never.wait();
    }

    struct OnExit {
        Event& event;
        ~OnExit() { event.set(); }
    };
    Event ended;
    Event never;
};

struct SlowAnswer {
    explicit SlowAnswer(Executor executor) : began(executor), go_on(executor) {}

    Task<> operator()(HttpExchange& exchange) {
        began.set();
        co_await go_on.wait();
        co_await exchange.respond(text_response(200, "finished"));
    }

    Event began;
    Event go_on;
};

// While it lives the process can open nothing.
class NoDescriptors {
public:
    NoDescriptors() {
        getrlimit(RLIMIT_NOFILE, &before_);
        const int next_free = dup(STDERR_FILENO);
        close(next_free);
        rlimit none = before_;
        none.rlim_cur = static_cast<rlim_t>(next_free);
        setrlimit(RLIMIT_NOFILE, &none);
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

Task<Result<std::string>> as_result(Task<std::string> task) {
    co_return co_await std::move(task);
}

HttpHandler by_reference(auto& handler) {
    return [&handler](HttpExchange& exchange) { return handler(exchange); };
}

std::unique_ptr<HttpServer> started(
    Executor executor, HttpServerConfig config, HttpHandler handler
) {
    auto server = HttpServer::start(std::move(executor), std::move(config), std::move(handler));
    REQUIRE(server.has_value());
    return std::move(*server);
}

}  // namespace

TEST_CASE("http_server: answers request after request on one connection", "[net]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        const auto server = started(executor, {}, echo);
        RawClient client(executor);
        co_await client.connect(server->port());
        co_await client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"
        );
        const std::string both = co_await client.read_until("GET/b");
        CHECK(contains(both, "GET/a"));
        co_await client.send("POST /c HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi");
        const std::string last = co_await client.read_all();
        CHECK(contains(last, "POST/chi"));
        CHECK(contains(last, "Connection: close"));
        co_await server->stop(1s);
    });
}

TEST_CASE("http_server: HEAD has the length and no body", "[net]") {
    run_task([]() -> Task<> {
        const auto server = started(co_await this_executor, {}, echo);
        HttpRequest request;
        request.method = "HEAD";
        const Endpoint endpoint{"127.0.0.1", server->port()};
        const auto response = co_await http_request(endpoint, std::nullopt, request);
        REQUIRE(response.has_value());
        CHECK(response->headers.get("content-length") == "5");
        CHECK(response->body.empty());
        co_await server->stop(1s);
    });
}

TEST_CASE("http_server: a handler that does not answer is answered for", "[net]") {
    run_task([]() -> Task<> {
        const auto server = started(co_await this_executor, {}, answer_nothing);
        const Endpoint endpoint{"127.0.0.1", server->port()};
        const HttpRequest request;
        const auto response = co_await http_request(endpoint, std::nullopt, request);
        CHECK(response.value().status == 500);
        co_await server->stop(1s);
    });
}

TEST_CASE("http_server: a refusal reaches a client that is still sending", "[net]") {
    run_task([]() -> Task<> {
        HttpServerConfig config;
        config.body_bytes_max = 1000;
        const auto executor = co_await this_executor;
        const auto server = started(executor, config, echo);
        RawClient big_body(executor);
        co_await big_body.connect(server->port());
        co_await big_body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
        co_await big_body.send(std::string(60000, 'x'));
        CHECK(contains(co_await big_body.read_all(), "HTTP/1.1 413 "));
        RawClient big_header(executor);
        co_await big_header.connect(server->port());
        co_await big_header.send("GET / HTTP/1.1\r\nX: " + std::string(20000, 'x'));
        CHECK(contains(co_await big_header.read_all(), "HTTP/1.1 431 "));
        co_await server->stop(1s);
    });
}

TEST_CASE("http_server: asks for a body that the client holds back", "[net]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        const auto server = started(executor, {}, echo);
        RawClient client(executor);
        co_await client.connect(server->port());
        co_await client.send(
            "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        );
        CHECK(contains(co_await client.read_until("\r\n\r\n"), "100 Continue"));
        co_await client.send("body");
        CHECK(contains(co_await client.read_until("body"), "200 OK"));
        co_await server->stop(1s);
    });
}

TEST_CASE("http_server: the time for a header counts from its first byte", "[net]") {
    run_task([]() -> Task<> {
        HttpServerConfig config;
        config.header_timeout = 50ms;
        const auto executor = co_await this_executor;
        const auto server = started(executor, config, echo);
        RawClient silent(executor);
        co_await silent.connect(server->port());
        CHECK((co_await silent.read_all()).empty());
        RawClient slow(executor);
        co_await slow.connect(server->port());
        co_await slow.send("GET / HT");
        CHECK((co_await slow.read_all()).empty());
        co_await server->stop(1s);
    });
}

TEST_CASE("http_server: one address gets its places and no more", "[net]") {
    run_task([]() -> Task<> {
        HttpServerConfig config;
        config.anonymous_per_address_max = 1;
        const auto executor = co_await this_executor;
        const auto server = started(executor, config, echo);
        RawClient first(executor);
        co_await first.connect(server->port());
        // It says nothing, so it gives way to the next one.
        RawClient second(executor);
        co_await second.connect(server->port());
        CHECK((co_await first.read_all()).empty());
        co_await second.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK(contains(co_await second.read_until("GET/"), "200 OK"));
        co_await server->stop(1s);
    });
}

TEST_CASE("http_server: nobody is sent away while his request is worked on", "[net]") {
    run_task([]() -> Task<> {
        HttpServerConfig config;
        config.anonymous_connections_max = 1;
        const auto executor = co_await this_executor;
        SlowAnswer slow(executor);
        const auto server = started(executor, config, by_reference(slow));
        RawClient first(executor);
        co_await first.connect(server->port());
        co_await first.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        co_await slow.began.wait();
        RawClient second(executor);
        co_await second.connect(server->port());
        CHECK((co_await second.read_all()).empty());
        co_await server->stop(0s);
    });
}

TEST_CASE("http_server: goes on when the process has had no descriptors for a while", "[net]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        const auto server = started(executor, {}, echo);
        RawClient client(executor);
        client.open();
        {
            const NoDescriptors none;
            co_await client.connect(server->port());  // The kernel completes it without us.
            co_await client.send("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
            const auto early =
                co_await with_timeout(as_result(client.read_until("GET/late")), 50ms);
            CHECK_FALSE(contains(early.value_or(""), "200 OK"));
        }
        CHECK(contains(co_await client.read_until("GET/late"), "200 OK"));
        co_await server->stop(1s);
    });
}

TEST_CASE("http_server: a stream's handler ends when its reader goes away", "[net]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        QuietStream stream(executor);
        const auto server = started(executor, {}, by_reference(stream));
        RawClient client(executor);
        co_await client.connect(server->port());
        co_await client.send("GET /watch HTTP/1.1\r\nHost: x\r\n\r\n");
        const std::string seen = co_await client.read_until("first line\n\r\n");
        CHECK(contains(seen, "Transfer-Encoding: chunked"));
        client.close();
        co_await stream.ended.wait();
        co_await server->stop(1s);
    });
}

TEST_CASE("http_server: stop lets a request finish and ends a stream at once", "[net]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        SlowAnswer slow(executor);
        QuietStream stream(executor);
        const auto route = [&](HttpExchange& exchange) {
            return exchange.request().path() == "/slow" ? slow(exchange) : stream(exchange);
        };
        const auto server = started(executor, {}, route);
        RawClient watcher(executor);
        co_await watcher.connect(server->port());
        co_await watcher.send("GET /watch HTTP/1.1\r\nHost: x\r\n\r\n");
        co_await watcher.read_until("first line");
        RawClient client(executor);
        co_await client.connect(server->port());
        co_await client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
        co_await slow.began.wait();
        TaskGroup group(executor);
        group.spawn(server->stop(kForever));
        co_await stream.ended.wait();
        slow.go_on.set();
        CHECK(contains(co_await client.read_all(), "finished"));
        co_await group.join();
    });
}

TEST_CASE("http_server: stop cancels what does not finish within the grace", "[net]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        SlowAnswer slow(executor);
        const auto server = started(executor, {}, by_reference(slow));
        RawClient client(executor);
        co_await client.connect(server->port());
        co_await client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
        co_await slow.began.wait();
        co_await server->stop(1ms);
        CHECK((co_await client.read_all()).empty());
    });
}

TEST_CASE("http_server: stop ends idle connections and refuses new ones", "[net]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        const auto server = started(executor, {}, echo);
        RawClient idle(executor);
        co_await idle.connect(server->port());
        co_await idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        co_await idle.read_until("GET/");
        const Endpoint endpoint{"127.0.0.1", server->port()};
        co_await server->stop(kForever);
        CHECK((co_await idle.read_all()).empty());
        const HttpRequest request;
        const auto refused = co_await http_request(endpoint, std::nullopt, request);
        CHECK(refused.error().code() == ErrorCode::unavailable);
    });
}

TEST_CASE("http_server: a hijacked connection carries bytes both ways", "[net]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        const auto handler = [](HttpExchange& exchange) -> Task<> {
            auto stream = co_await exchange.hijack();
            std::array<char, 64> buffer;
            const auto count = co_await (*stream)->read_some(buffer);
            const std::string_view bytes(buffer.data(), count.value());
            co_await (*stream)->write(bytes);
        };
        const auto server = started(executor, {}, handler);
        RawClient client(executor);
        co_await client.connect(server->port());
        co_await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nraw bytes");
        CHECK(co_await client.read_all() == "raw bytes");
        co_await server->stop(1s);
    });
}

TEST_CASE("http_server: a taken port is an error at the start", "[net]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        const auto server = started(executor, {}, echo);
        HttpServerConfig same;
        same.listen.port = server->port();
        const auto second = HttpServer::start(executor, same, echo);
        CHECK(second.error().code() == ErrorCode::already_exists);
        co_await server->stop(1s);
    });
}

TEST_CASE("http_client: a server that says nothing runs into the deadline", "[net]") {
    run_task([]() -> Task<> {
        const auto executor = co_await this_executor;
        SlowAnswer slow(executor);
        const auto server = started(executor, {}, by_reference(slow));
        const Endpoint endpoint{"127.0.0.1", server->port()};
        const HttpRequest request;
        HttpClientOptions options;
        options.timeout = 50ms;
        const auto late = co_await http_request(endpoint, std::nullopt, request, options);
        CHECK(late.error().code() == ErrorCode::deadline);
        co_await server->stop(0s);
    });
}

TEST_CASE("http_client: a name that does not exist is unavailable", "[net]") {
    run_task([]() -> Task<> {
        const Endpoint endpoint{"no-such-host.invalid", 1};
        const HttpRequest request;
        const auto refused = co_await http_request(endpoint, std::nullopt, request);
        CHECK(refused.error().code() == ErrorCode::unavailable);
    });
}
