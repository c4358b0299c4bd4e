// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_stream_server.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/stream_pair.hpp"

#include <array>
#include <string>

using namespace farhold;
using namespace farhold::net;
using farhold::test::run_task;
using farhold::test::StreamPair;

namespace {

Task<> echo(HttpExchange& exchange) {
    const auto& request = exchange.request();
    co_await exchange.respond(text_response(200, request.method + request.target + request.body));
}

Task<> tell_in_chunks(HttpExchange& exchange) {
    co_await exchange.begin_stream(200, {});
    co_await exchange.write_chunk("one");
    co_await exchange.write_chunk("two");
    co_await exchange.end_stream();
}

// Says back what comes after the upgrade, until the peer ends its writing, then a farewell.
Task<> upgrade(HttpExchange& exchange) {
    auto stream = co_await exchange.hijack();
    co_await (*stream)->write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    std::array<char, 4> buffer;
    for (;;) {
        const auto count = co_await (*stream)->read_some(buffer);
        if (!count || *count == 0) {
            break;
        }
        co_await (*stream)->write(std::string_view(buffer.data(), *count));
    }
    co_await (*stream)->write("bye");
    (*stream)->end_writing();
}

Task<std::string> read_all(ByteStream& stream) {
    std::string all;
    std::array<char, 100> buffer;
    for (;;) {
        const auto count = co_await stream.read_some(buffer);
        if (!count || *count == 0) {
            co_return all;
        }
        all.append(buffer.data(), *count);
    }
}

Task<std::string> exchange_bytes(
    std::string request, HttpHandler handler, bool end_writing = false, HttpStreamLimits limits = {}
) {
    StreamPair pair(co_await this_executor);
    TaskGroup group(co_await this_executor);
    group.spawn(serve_http(std::move(pair.right), limits, handler));
    co_await pair.left->write(request);
    if (end_writing) {
        pair.left->end_writing();
    }
    std::string answer = co_await read_all(*pair.left);
    pair.left->close_now();
    co_await group.join();
    co_return answer;
}

}  // namespace

TEST_CASE("http_stream_server: answers one request and ends the stream", "[net]") {
    run_task([]() -> Task<> {
        const std::string answer = co_await exchange_bytes(
            "POST /path?q=1 HTTP/1.1\r\nHost: node\r\nContent-Length: 4\r\n\r\nbody", echo
        );
        CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
        CHECK(answer.find("Connection: close\r\n") != std::string::npos);
        CHECK(answer.ends_with("\r\n\r\nPOST/path?q=1body"));
    });
}

TEST_CASE("http_stream_server: an answer in chunks", "[net]") {
    run_task([]() -> Task<> {
        const std::string answer =
            co_await exchange_bytes("GET / HTTP/1.1\r\nHost: node\r\n\r\n", tell_in_chunks);
        CHECK(answer.ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
    });
}

TEST_CASE("http_stream_server: hands over the bytes after the head, with half-close", "[net]") {
    run_task([]() -> Task<> {
        const std::string answer = co_await exchange_bytes(
            "POST / HTTP/1.1\r\nHost: node\r\nUpgrade: SPDY/3.1\r\n\r\nsome more bytes", upgrade,
            true
        );
        CHECK(answer == "HTTP/1.1 101 Switching Protocols\r\n\r\nsome more bytesbye");
    });
}

TEST_CASE("http_stream_server: refuses what is not a request", "[net]") {
    run_task([]() -> Task<> {
        const std::string garbage = co_await exchange_bytes("\x16\x03\x01 hello\r\n\r\n", echo);
        CHECK(garbage.starts_with("HTTP/1.1 400 Bad Request\r\n"));
        const std::string endless = co_await exchange_bytes(
            "GET / HTTP/1.1\r\nHost: node\r\nX: " + std::string(100, 'x') + "\r\n\r\n", echo, false,
            {.header_bytes_max = 64}
        );
        CHECK(endless.starts_with("HTTP/1.1 431 "));
        const std::string slow =
            co_await exchange_bytes("GET / HT", echo, false, {.request_timeout = Duration::zero()});
        CHECK(slow.starts_with("HTTP/1.1 408 "));
    });
}

TEST_CASE("http_stream_server: a handler without an answer is answered for", "[net]") {
    run_task([]() -> Task<> {
        const HttpHandler silent = [](HttpExchange&) -> Task<> { co_return; };
        const std::string answer =
            co_await exchange_bytes("GET / HTTP/1.1\r\nHost: node\r\n\r\n", silent);
        CHECK(answer.starts_with("HTTP/1.1 500 "));
    });
}

TEST_CASE("http_stream_server: an endless answer ends when its peer goes", "[net]") {
    run_task([]() -> Task<> {
        const Executor executor = co_await this_executor;
        farhold::Event never(executor);
        const HttpHandler wait = [&never](HttpExchange& exchange) -> Task<> {
            co_await exchange.begin_stream(200, {});
            co_await exchange.write_chunk("first line\n");
            co_await never.wait();
        };
        StreamPair pair(executor);
        TaskGroup group(executor);
        group.spawn(serve_http(std::move(pair.right), {}, wait));
        co_await pair.left->write("GET / HTTP/1.1\r\nHost: node\r\n\r\n");
        std::string answer;
        std::array<char, 100> buffer;
        while (!answer.ends_with("first line\n\r\n")) {
            const auto count = co_await pair.left->read_some(buffer);
            REQUIRE(count);
            answer.append(buffer.data(), *count);
        }
        pair.left->close_now();
        co_await group.join();  // Would wait for ever.
    });
}
