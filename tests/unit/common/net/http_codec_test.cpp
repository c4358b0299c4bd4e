// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_codec.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace farhold::net;

namespace {

// Feeds a request byte by byte, as the slowest network would.
std::expected<Progress, Refusal> feed(RequestReader& reader, std::string_view text) {
    std::expected<Progress, Refusal> progress = Progress::head;
    std::string pending;
    for (const char c : text) {
        pending += c;
        progress = reader.advance(pending);
        if (!progress) {
            break;
        }
    }
    return progress;
}

int refused_with(std::string_view text) {
    RequestReader reader(1024, 16);
    const auto progress = feed(reader, text);
    return progress ? 0 : progress.error().status;
}

}  // namespace

TEST_CASE("http_codec: reads a request that arrives byte by byte", "[net]") {
    RequestReader reader(1024, 16);
    const auto progress =
        feed(reader, "POST /v1/enrol?x=1 HTTP/1.1\r\nHost: hub\r\nContent-Length: 5\r\n\r\nhello");
    REQUIRE(progress.has_value());
    REQUIRE(*progress == Progress::done);
    CHECK(reader.keep_alive());
    const HttpRequest request = reader.take();
    CHECK(request.method == "POST");
    CHECK(request.path() == "/v1/enrol");
    CHECK(request.query() == "x=1");
    CHECK(request.headers.get("HOST") == "hub");
    CHECK(request.body == "hello");
}

TEST_CASE("http_codec: leaves the bytes of the next request alone", "[net]") {
    RequestReader reader(1024, 16);
    std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next";
    REQUIRE(reader.advance(bytes) == Progress::done);
    CHECK(bytes == "GET /next");
}

TEST_CASE("http_codec: takes a chunked body and asks for it when it is expected", "[net]") {
    RequestReader reader(1024, 16);
    std::string head =
        "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n";
    REQUIRE(reader.advance(head) == Progress::body);
    CHECK(reader.expects_continue());
    std::string body = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    REQUIRE(reader.advance(body) == Progress::done);
    CHECK(reader.take().body == "abcde");
}

TEST_CASE("http_codec: an empty chunked body may come byte by byte", "[net]") {
    RequestReader reader(1024, 16);
    const auto progress =
        feed(reader, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    CHECK(progress == Progress::done);
    CHECK(reader.take().body.empty());
}

TEST_CASE("http_codec: refuses what is too long, with the status that says so", "[net]") {
    const std::string long_value(2000, 'x');
    CHECK(refused_with("GET / HTTP/1.1\r\nHost: a\r\nX: " + long_value + "\r\n\r\n") == 431);
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 17\r\n\r\n") == 413);
    CHECK(
        refused_with("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "11\r\n01234567890123456\r\n0\r\n\r\n") == 413
    );
    std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int field = 0; field < 101; ++field) {
        many += "a:b\r\n";
    }
    CHECK(refused_with(many + "\r\n") == 431);
}

TEST_CASE("http_codec: refuses what could be read in two ways", "[net]") {
    CHECK(refused_with("GET / HTTP/1.1\r\n\r\n") == 400);
    CHECK(refused_with("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == 400);
    CHECK(refused_with("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
    CHECK(refused_with("GET /\r\nHost: a\r\n\r\n") == 400);
    CHECK(refused_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 400);
    CHECK(
        refused_with(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
        ) == 400
    );
    CHECK(
        refused_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"
        ) == 400
    );
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n") == 400);
    CHECK(refused_with("GET / HTTP/1.1\r\nHost : a\r\n\r\n") == 400);
}

TEST_CASE("http_codec: reads responses with a length, in chunks, and until the end", "[net]") {
    ResponseReader with_length(64, false);
    std::string bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
    REQUIRE(with_length.advance(bytes) == Progress::done);
    CHECK(with_length.take().status == 404);

    ResponseReader until_end(64, false);
    bytes = "HTTP/1.1 200 OK\r\n\r\nsome";
    REQUIRE(until_end.advance(bytes) == Progress::body);
    REQUIRE(until_end.end_of_stream() == Progress::done);
    CHECK(until_end.take().body == "some");

    ResponseReader cut(64, false);
    bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome";
    REQUIRE(cut.advance(bytes) == Progress::body);
    CHECK_FALSE(cut.end_of_stream().has_value());

    ResponseReader no_status(64, false);
    bytes = "HTTP/1.1 000 x\r\n\r\n";
    CHECK_FALSE(no_status.advance(bytes).has_value());
}

TEST_CASE("http_codec: a header value cannot begin a new line", "[net]") {
    HttpHeaders headers;
    headers.add("Warning", "a\r\nSet-Cookie: b");
    const std::string head = encode_head(200, headers, Framing::length, 0, true);
    CHECK(head == "HTTP/1.1 200 OK\r\nWarning: a  Set-Cookie: b\r\nContent-Length: 0\r\n\r\n");
}
