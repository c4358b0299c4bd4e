// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_stream_call.hpp"

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

HttpRequest get(std::string target) {
    HttpRequest request;
    request.target = std::move(target);
    return request;
}

Task<Result<std::string>> read_all(HttpStream& answer) {
    std::string body;
    while (true) {
        auto piece = co_await answer.next();
        if (!piece || piece->empty()) co_return piece ? Result<std::string>(body) : piece;
        body += *piece;
    }
}

Task<std::string> read_bytes(ByteStream& stream, std::size_t count) {
    std::string bytes;
    std::array<char, 7> buffer;
    while (bytes.size() < count) {
        const auto read = co_await stream.read_some(buffer);
        if (!read || *read == 0) co_return bytes + "<end>";
        bytes.append(buffer.data(), *read);
    }
    co_return bytes;
}

}  // namespace

TEST_CASE("A request goes out on a stream, and its answer comes piece by piece", "[net]") {
    run_task([]() -> Task<> {
        StreamPair pair(co_await this_executor);
        co_await pair.right->write(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nline\n\r\n"
        );
        auto call = co_await call_on_stream(std::move(pair.left), get("/containerLogs/a/b/c"), "m");
        REQUIRE(call);
        CHECK((*call)->status() == 200);
        CHECK((*call)->headers().get("Content-Type") == "text/plain");
        const std::string_view wanted =
            "GET /containerLogs/a/b/c HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n";
        const std::string sent = co_await read_bytes(*pair.right, wanted.size());
        CHECK(sent == wanted);
        const auto first = co_await (*call)->next();
        REQUIRE(first);
        CHECK(*first == "line\n");
        co_await pair.right->write("4\r\nmore\r\n0\r\n\r\n");
        const auto rest = co_await read_all(**call);
        REQUIRE(rest);
        CHECK(*rest == "more");
    });
}

TEST_CASE("After 101 the stream is handed over with what has come of it already", "[net]") {
    run_task([]() -> Task<> {
        StreamPair pair(co_await this_executor);
        co_await pair.right->write(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\nfirst bytes"
        );
        HttpRequest request = get("/exec/a/b/c?command=true");
        request.method = "POST";
        request.headers.add("Upgrade", "SPDY/3.1");
        auto call = co_await call_on_stream(std::move(pair.left), std::move(request), "m");
        REQUIRE(call);
        REQUIRE((*call)->status() == 101);
        CHECK((*call)->headers().get("x-stream-protocol-version") == "v4.channel.k8s.io");
        const std::string sent = co_await read_bytes(*pair.right, 1);
        CHECK(sent.starts_with("POST /"));
        const auto raw = (*call)->upgraded();
        co_await pair.right->write(", more");
        const std::string came = co_await read_bytes(*raw, 17);
        CHECK(came == "first bytes, more");
        raw->end_writing();
        std::string head = co_await read_bytes(*pair.right, 1000);
        CHECK(head.find("Upgrade: SPDY/3.1\r\nConnection: Upgrade\r\n") != std::string::npos);
        CHECK(head.find("close") == std::string::npos);
        CHECK(head.ends_with("\r\n\r\n<end>"));
    });
}

TEST_CASE("A stream that breaks during the answer is no complete answer", "[net]") {
    run_task([]() -> Task<> {
        for (const bool in_head : {true, false}) {
            StreamPair pair(co_await this_executor);
            co_await pair.right->write(
                in_head ? "HTTP/1.1 200 OK\r\nConte"
                        : "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
            );
            pair.right->end_writing();
            auto call = co_await call_on_stream(std::move(pair.left), get("/"), "m");
            CHECK(call.has_value() == !in_head);
            Error error = call ? Error(ErrorCode::internal, "") : call.error();
            if (call) {
                const auto body = co_await read_all(**call);
                REQUIRE_FALSE(body);
                error = body.error();
            }
            CHECK(error.code() == ErrorCode::unavailable);
        }
    });
}

TEST_CASE("An answer that is no HTTP is refused", "[net]") {
    run_task([]() -> Task<> {
        StreamPair pair(co_await this_executor);
        co_await pair.right->write("SSH-2.0-OpenSSH\r\n\r\n");
        const auto call = co_await call_on_stream(std::move(pair.left), get("/"), "m");
        REQUIRE_FALSE(call);
        CHECK(call.error().code() == ErrorCode::corrupt);
    });
}
