// SPDX-License-Identifier: Apache-2.0
#include "common/http2/session.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace farhold;         // NOLINT(google-build-using-namespace)
using namespace farhold::http2;  // NOLINT(google-build-using-namespace)

namespace {

const Headers kRequest{
    {":method", "POST"}, {":scheme", "http"}, {":path", "/x"}, {":authority", "localhost"}
};
const Headers kAnswer{{":status", "200"}};

template <class T>
T must(Result<T> result) {
    if (!result) {
        throw std::runtime_error(result.error().message());
    }
    if constexpr (!std::is_void_v<T>) {
        return *std::move(result);
    }
}

// Both ends in memory; each keeps what it was told.
struct Pair {
    explicit Pair(Limits client_limits = {}, Limits server_limits = {})
        : client(Role::client, client_limits), server(Role::server, server_limits) {}

    // Carries bytes both ways until neither has any; in pieces of `piece` bytes.
    void carry(std::size_t piece = 1 << 20) {
        for (bool moved = true; moved;) {
            moved = carry_one(client, server, piece);
            moved = carry_one(server, client, piece) || moved;
        }
    }

    bool carry_one(Session& from, Session& to, std::size_t piece) {
        const std::string bytes = from.take_output();
        for (std::size_t i = 0; i < bytes.size(); i += piece) {
            must(to.receive(std::string_view(bytes).substr(i, piece)));
            collect();
        }
        collect();
        return !bytes.empty();
    }

    void collect() {
        std::ranges::move(client.take_events(), std::back_inserter(at_client));
        std::ranges::move(server.take_events(), std::back_inserter(at_server));
    }

    Session client;
    Session server;
    std::vector<Event> at_client;
    std::vector<Event> at_server;
};

template <class T>
std::vector<T> all(const std::vector<Event>& events) {
    std::vector<T> found;
    for (const auto& event : events) {
        if (const auto* typed = std::get_if<T>(&event)) {
            found.push_back(*typed);
        }
    }
    return found;
}

std::string body(const std::vector<Event>& events) {
    std::string bytes;
    for (const auto& data : all<DataReceived>(events)) {
        bytes += data.bytes;
    }
    return bytes;
}

StreamId send_request(Session& client, std::string_view bytes) {
    const StreamId stream = must(client.start_request(kRequest));
    must(client.send(stream, bytes));
    must(client.end(stream));
    return stream;
}

// A frame as RFC 9113 section 4.1 writes it.
std::string frame(
    std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload
) {
    std::string bytes;
    for (const int shift : {16, 8, 0}) {
        bytes += static_cast<char>((payload.size() >> shift) & 0xFFU);
    }
    bytes += static_cast<char>(type);
    bytes += static_cast<char>(flags);
    for (const int shift : {24, 16, 8, 0}) {
        bytes += static_cast<char>((stream >> shift) & 0xFFU);
    }
    return bytes.append(payload);
}

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::uint8_t kData = 0;
constexpr std::uint8_t kHeaders = 1;
constexpr std::uint8_t kSettings = 4;
constexpr std::uint8_t kPushPromise = 5;
constexpr std::uint8_t kGoaway = 7;
constexpr std::uint8_t kContinuation = 9;
constexpr std::uint8_t kEndHeaders = 4;

}  // namespace

TEST_CASE("http2: a request and its answer arrive, cut at every byte", "[http2]") {
    for (const std::size_t piece : {1UL, 2UL, 3UL, 7UL, 1UL << 20U}) {
        Pair pair;
        const StreamId stream = send_request(pair.client, "question");
        pair.carry(piece);
        REQUIRE(all<HeadersReceived>(pair.at_server).size() == 1);
        CHECK(all<HeadersReceived>(pair.at_server)[0].headers == kRequest);
        CHECK(body(pair.at_server) == "question");
        CHECK(all<PeerEnded>(pair.at_server).size() == 1);

        must(pair.server.start_response(stream, kAnswer));
        must(pair.server.send(stream, "answer"));
        must(pair.server.end_with_trailers(stream, {{"grpc-status", "0"}}));
        pair.carry(piece);
        const auto headers = all<HeadersReceived>(pair.at_client);
        REQUIRE(headers.size() == 2);
        CHECK(headers[0].headers == kAnswer);
        CHECK(headers[1].headers == Headers{{"grpc-status", "0"}});
        CHECK(body(pair.at_client) == "answer");
        CHECK(all<PeerEnded>(pair.at_client).size() == 1);
        for (const auto* events : {&pair.at_client, &pair.at_server}) {
            const auto closed = all<StreamClosed>(*events);
            REQUIRE(closed.size() == 1);
            CHECK(closed[0].error == StreamError::none);
            CHECK(std::get_if<StreamClosed>(&events->back()) != nullptr);
        }
    }
}

TEST_CASE("http2: an answer without a body ends at once", "[http2]") {
    Pair pair;
    const StreamId stream = send_request(pair.client, "question");
    pair.carry();
    must(pair.server.respond_at_once(stream, kAnswer));
    pair.carry();
    CHECK(all<HeadersReceived>(pair.at_client).size() == 1);
    CHECK(body(pair.at_client).empty());
    CHECK(all<PeerEnded>(pair.at_client).size() == 1);
}

TEST_CASE("http2: an informational answer is not the answer", "[http2]") {
    Pair pair;
    const StreamId stream = send_request(pair.client, "");
    pair.carry();
    // HPACK: literal ":status" (static index 8) with the value "103"; no END_STREAM.
    const std::string early{
        "\x08\x03"
        "103"
    };
    must(pair.client.receive(frame(kHeaders, kEndHeaders, static_cast<unsigned>(stream), early)));
    CHECK(pair.client.take_events().empty());
    must(pair.server.respond_at_once(stream, kAnswer));
    pair.carry();
    REQUIRE(all<HeadersReceived>(pair.at_client).size() == 1);
    CHECK(all<HeadersReceived>(pair.at_client)[0].headers == kAnswer);
}

TEST_CASE("http2: who does not consume holds the sender back at the window", "[http2]") {
    Limits limits;
    limits.stream_window_bytes = 1000;
    Pair pair({}, limits);
    const std::string sent(5000, 'x');
    pair.carry();  // The settings.
    const StreamId stream = send_request(pair.client, sent);
    pair.carry();
    CHECK(body(pair.at_server).size() == 1000);
    // Another stream is not held back by the first.
    send_request(pair.client, "small");
    pair.carry();
    CHECK(body(pair.at_server).size() == 1005);

    while (body(pair.at_server).size() < 5005) {
        pair.server.consume(stream, 1000);
        const auto before = body(pair.at_server).size();
        pair.carry();
        REQUIRE(body(pair.at_server).size() > before);
    }
    CHECK(all<PeerEnded>(pair.at_server).size() == 2);
}

TEST_CASE(
    "http2: much data passes when it is consumed, beyond the connection's window", "[http2]"
) {
    Pair pair;
    const std::string sent(std::size_t{40} << 20U, 'x');
    const StreamId stream = send_request(pair.client, sent);
    std::size_t received = 0;
    while (received < sent.size()) {
        pair.carry();
        const auto got = body(pair.at_server).size();
        REQUIRE(got > 0);
        received += got;
        pair.at_server.clear();
        pair.server.consume(stream, got);
    }
    CHECK(received == sent.size());
}

TEST_CASE("http2: a header list over the limit resets its stream only", "[http2]") {
    Limits limits;
    limits.header_list_bytes = 1000;
    Pair pair({}, limits);
    Headers large = kRequest;
    large.push_back({"x-large", std::string(1000, 'x')});
    const StreamId refused = must(pair.client.start_request(large));
    must(pair.client.end(refused));
    const StreamId fine = send_request(pair.client, "fine");
    pair.carry();
    const auto requests = all<HeadersReceived>(pair.at_server);
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].stream == fine);
    const auto closed = all<StreamClosed>(pair.at_server);
    REQUIRE(closed.size() == 1);
    CHECK(closed[0].error == StreamError::enhance_your_calm);
    CHECK(closed[0].reason.find("1000 bytes") != std::string::npos);
    REQUIRE(all<StreamClosed>(pair.at_client).size() == 1);
    CHECK(all<StreamClosed>(pair.at_client)[0].stream == refused);
}

TEST_CASE("http2: more streams than allowed are refused or wait", "[http2]") {
    Limits limits;
    limits.peer_streams = 2;
    Pair pair({}, limits);
    pair.carry();
    std::vector<StreamId> streams;
    for (int i = 0; i < 5; ++i) {
        streams.push_back(send_request(pair.client, "x"));
    }
    pair.carry();
    CHECK(all<HeadersReceived>(pair.at_server).size() == 2);
    must(pair.server.respond_at_once(streams[0], kAnswer));
    pair.carry();
    CHECK(all<HeadersReceived>(pair.at_server).size() == 3);
}

TEST_CASE("http2: a reset is told to both sides, and the stream is gone", "[http2]") {
    Pair pair;
    const StreamId stream = send_request(pair.client, "x");
    pair.carry();
    pair.client.reset(stream, StreamError::cancel);
    pair.carry();
    REQUIRE(all<StreamClosed>(pair.at_server).size() == 1);
    CHECK(all<StreamClosed>(pair.at_server)[0].error == StreamError::cancel);
    REQUIRE(all<StreamClosed>(pair.at_client).size() == 1);
    const auto late = pair.server.start_response(stream, kAnswer);
    REQUIRE(!late);
    CHECK(late.error().code() == ErrorCode::not_found);
}

TEST_CASE("http2: a request that was reset before it was sent ends with an event", "[http2]") {
    Pair pair;
    const StreamId stream = send_request(pair.client, "x");
    pair.client.reset(stream, StreamError::cancel);
    pair.carry();
    CHECK(all<HeadersReceived>(pair.at_server).empty());
    REQUIRE(all<StreamClosed>(pair.at_client).size() == 1);
    CHECK(all<StreamClosed>(pair.at_client)[0].stream == stream);
}

TEST_CASE("http2: after a GOAWAY open streams end and new ones are unavailable", "[http2]") {
    Pair pair;
    const StreamId stream = send_request(pair.client, "x");
    pair.carry();
    pair.server.go_away();
    pair.carry();
    REQUIRE(all<GoawayReceived>(pair.at_client).size() == 1);
    const auto refused = pair.client.start_request(kRequest);
    REQUIRE(!refused);
    CHECK(refused.error().code() == ErrorCode::unavailable);
    CHECK(!pair.client.finished());
    must(pair.server.respond_at_once(stream, kAnswer));
    pair.carry();
    CHECK(all<StreamClosed>(pair.at_client).size() == 1);
    CHECK(pair.client.finished());
    CHECK(pair.server.finished());
}

TEST_CASE("http2: a GOAWAY that leaves streams out closes them", "[http2]") {
    Pair pair;
    pair.carry();
    send_request(pair.client, "x");
    (void)pair.client.take_output();
    const std::string nothing_processed("\0\0\0\0\0\0\0\0", 8);
    must(pair.client.receive(frame(kGoaway, 0, 0, nothing_processed)));
    const auto events = pair.client.take_events();
    REQUIRE(all<StreamClosed>(events).size() == 1);
    CHECK(all<StreamClosed>(events)[0].error == StreamError::refused);
    CHECK(all<GoawayReceived>(events).size() == 1);
}

TEST_CASE("http2: a server refuses what does not begin with the preface", "[http2]") {
    Session server(Role::server, {});
    const auto taken = server.receive("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    REQUIRE(!taken);
    CHECK(taken.error().code() == ErrorCode::corrupt);
    CHECK(taken.error().message().find("magic") != std::string::npos);
}

TEST_CASE("http2: a client refuses a server that does not speak HTTP/2", "[http2]") {
    Session client(Role::client, {});
    const auto taken = client.receive("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    REQUIRE(!taken);
    CHECK(taken.error().code() == ErrorCode::corrupt);
}

TEST_CASE("http2: a frame over the limit ends the connection with the reason", "[http2]") {
    Session server(Role::server, {});
    must(server.receive(kPreface));
    must(server.receive(frame(kSettings, 0, 0, "")));
    const std::string large(16385, 'x');
    const auto taken = server.receive(frame(kData, 0, 1, large));
    REQUIRE(!taken);
    CHECK(taken.error().code() == ErrorCode::corrupt);
    CHECK(taken.error().message().find("FRAME_SIZE_ERROR") != std::string::npos);
    CHECK(!server.take_output().empty());  // The GOAWAY for the peer.
    CHECK(server.finished());
}

TEST_CASE("http2: a client refuses pushed streams", "[http2]") {
    Pair pair;
    const StreamId stream = send_request(pair.client, "x");
    pair.carry();
    // Promises stream 2 with the header ":method: GET" (static index 2).
    const std::string promise("\0\0\0\x02\x82", 5);
    const auto taken =
        pair.client.receive(frame(kPushPromise, kEndHeaders, static_cast<unsigned>(stream), promise)
        );
    REQUIRE(!taken);
    CHECK(taken.error().code() == ErrorCode::corrupt);
    CHECK(taken.error().message().find("PROTOCOL_ERROR") != std::string::npos);
}

TEST_CASE("http2: an endless header block ends the connection", "[http2]") {
    Session server(Role::server, {});
    must(server.receive(kPreface));
    must(server.receive(frame(kSettings, 0, 0, "")));
    must(server.receive(frame(kHeaders, 0, 1, "\x82")));
    Result<void> taken;
    for (int i = 0; i < 100 && taken; ++i) {
        taken = server.receive(frame(kContinuation, 0, 1, "\x82"));
    }
    REQUIRE(!taken);
    CHECK(taken.error().code() == ErrorCode::corrupt);
}

TEST_CASE("http2: a peer that opens and resets streams without end is cut off", "[http2]") {
    Pair pair;
    pair.carry();
    bool cut = false;
    for (int i = 0; i < 5000 && !cut; ++i) {
        const auto stream = pair.client.start_request(kRequest);
        if (!stream) {
            cut = true;
            break;
        }
        std::string bytes = pair.client.take_output();
        pair.client.reset(*stream, StreamError::cancel);
        bytes += pair.client.take_output();
        (void)pair.client.take_events();
        cut = !pair.server.receive(bytes) || pair.server.finished();
        (void)pair.server.take_events();
        const auto answer = pair.server.take_output();
        if (!answer.empty()) {
            (void)pair.client.receive(answer);
        }
    }
    CHECK(cut);
}

TEST_CASE("http2: any damaged byte ends in an error or an event, never in a crash", "[http2]") {
    Pair pair;
    send_request(pair.client, "question");
    const std::string bytes = pair.client.take_output();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        for (const char flip : {'\x01', '\x10', '\x7f', '\xff'}) {
            std::string damaged = bytes;
            damaged[i] = static_cast<char>(damaged[i] ^ flip);
            Session server(Role::server, {});
            (void)server.receive(damaged);
            (void)server.take_events();
            (void)server.take_output();
        }
    }
    SUCCEED();
}
