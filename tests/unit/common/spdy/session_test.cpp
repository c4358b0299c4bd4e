// SPDX-License-Identifier: Apache-2.0
#include "common/spdy/session.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

using namespace farhold::spdy;
using farhold::ErrorCode;

namespace {

struct Ends {
    Session client{Role::client};
    Session server{Role::server};

    // Bytes travel one at a time, so that no border of a frame is where one of a read is.
    static void carry(Session& from, Session& to) {
        for (const char byte : from.take_output()) {
            REQUIRE(to.receive({&byte, 1}));
        }
    }
    void to_server() { carry(client, server); }
    void to_client() { carry(server, client); }

    // Opened and accepted, with no event left.
    StreamId open(std::string_view type) {
        const StreamId id = client.open({{"streamtype", std::string(type)}});
        to_server();
        server.accept(id);
        to_client();
        server.take_events();
        client.take_events();
        return id;
    }
};

// The events as one line.
std::string told(Session& session) {
    std::string text;
    for (const Event& event : session.take_events()) {
        text += text.empty() ? "" : " ";
        if (const auto* opened = std::get_if<StreamOpened>(&event)) {
            text += "opened " + std::to_string(opened->stream);
            for (const auto& [name, value] : opened->headers) text += " " + name + "=" + value;
            text += opened->ended ? " ended" : "";
        } else if (const auto* accepted = std::get_if<StreamAccepted>(&event)) {
            text += "accepted " + std::to_string(accepted->stream);
        } else if (const auto* data = std::get_if<StreamData>(&event)) {
            text += std::to_string(data->stream) + ":" + data->bytes;
        } else if (const auto* ended = std::get_if<StreamEnded>(&event)) {
            text += "ended " + std::to_string(ended->stream);
        } else if (const auto* reset = std::get_if<StreamReset>(&event)) {
            text += "reset " + std::to_string(reset->stream);
            text += " " + std::to_string(reset->reason);
        } else {
            text += "gone";
        }
    }
    return text;
}

std::string frame(std::uint32_t first, std::uint32_t second, std::string_view payload = {}) {
    std::string bytes;
    for (const std::uint32_t word : {first, second}) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            bytes.push_back(static_cast<char>(word >> static_cast<unsigned>(shift)));
        }
    }
    return bytes += payload;
}

}  // namespace

TEST_CASE("spdy: streams are opened, accepted and carry bytes both ways", "[spdy]") {
    Ends ends;
    const StreamId error = ends.client.open({{"streamtype", "error"}});
    const StreamId data = ends.client.open({{"streamtype", "data"}, {"port", "80"}});
    CHECK(error == 1);
    CHECK(data == 3);
    ends.to_server();
    CHECK(told(ends.server) == "opened 1 streamtype=error opened 3 streamtype=data port=80");
    ends.server.accept(error);
    ends.server.accept(data);
    ends.to_client();
    CHECK(told(ends.client) == "accepted 1 accepted 3");

    ends.client.send(data, "ab");
    ends.server.send(data, "c");
    ends.to_server();
    ends.to_client();
    CHECK(told(ends.server) == "3:a 3:b");
    CHECK(told(ends.client) == "3:c");
    CHECK(ends.client.open_streams() == 2);
}

TEST_CASE("spdy: each direction of a stream ends by itself", "[spdy]") {
    Ends ends;
    const StreamId id = ends.open("stdin");
    ends.client.end(id);
    ends.client.send(id, "too late");
    ends.to_server();
    CHECK(told(ends.server) == "ended 1");
    ends.server.send(id, "x");
    ends.server.end(id);
    ends.to_client();
    CHECK(told(ends.client) == "1:x ended 1");
    CHECK(ends.client.open_streams() == 0);
    CHECK(ends.server.open_streams() == 0);
}

TEST_CASE("spdy: a long write is cut into frames", "[spdy]") {
    Ends ends;
    const StreamId id = ends.open("stdout");
    const std::string much(100'000, 'x');
    ends.client.send(id, much);
    const std::string bytes = ends.client.take_output();
    CHECK(bytes.size() == much.size() + 4 * 8);
    REQUIRE(ends.server.receive(bytes));
    std::string got;
    for (const Event& event : ends.server.take_events()) got += std::get<StreamData>(event).bytes;
    CHECK(got == much);
}

TEST_CASE("spdy: a reset ends a stream, and what comes for it later is dropped", "[spdy]") {
    Ends ends;
    const StreamId id = ends.open("stdout");
    ends.server.send(id, "on its way");
    ends.client.reset(id, ResetReason::cancel);
    ends.to_client();
    CHECK(told(ends.client).empty());
    ends.to_server();
    CHECK(told(ends.server) == "reset 1 5");
    CHECK(ends.server.open_streams() == 0);
    ends.server.send(id, "nobody is there");
    CHECK(ends.server.take_output().empty());
}

TEST_CASE("spdy: a stream that is refused never carries anything", "[spdy]") {
    Ends ends;
    const StreamId id = ends.client.open({{"streamtype", "error"}});
    ends.to_server();
    ends.server.reset(id, ResetReason::refused_stream);
    ends.to_client();
    CHECK(told(ends.client) == "reset 1 3");
}

TEST_CASE("spdy: the peer's pings are answered, its answers are not", "[spdy]") {
    Session server(Role::server);
    const std::string ping = frame(0x8003'0006, 4, std::string("\0\0\0\x07", 4));
    REQUIRE(server.receive(ping));
    CHECK(server.take_output() == ping);
    REQUIRE(server.receive(frame(0x8003'0006, 4, std::string("\0\0\0\x08", 4))));
    CHECK(server.take_output().empty());
}

TEST_CASE("spdy: what others use for flow control is passed over", "[spdy]") {
    Ends ends;
    const StreamId id = ends.open("stdin");
    REQUIRE(ends.server.receive(frame(0x8003'0004, 4, std::string(4, '\0'))));
    REQUIRE(ends.server.receive(frame(0x8003'0009, 8, std::string(8, '\0'))));
    ends.client.send(id, "x");
    ends.to_server();
    CHECK(told(ends.server) == "1:x");
}

TEST_CASE("spdy: streams with numbers that are not the peer's turn are refused", "[spdy]") {
    Ends ends;
    Session other(Role::client);
    ends.open("a");
    ends.open("b");
    // Another client begins at 1 again; its headers are packed as those of a first block.
    Session fresh(Role::server);
    other.open({{"streamtype", "error"}});
    const std::string opening = other.take_output();
    REQUIRE(fresh.receive(opening));
    CHECK(told(fresh) == "opened 1 streamtype=error");
    Session even(Role::client);
    REQUIRE(even.receive(opening));
    CHECK(told(even).empty());
    CHECK(even.take_output() == frame(0x8003'0003, 8, std::string("\0\0\0\1\0\0\0\1", 8)));
}

TEST_CASE("spdy: there is an end to the streams of a peer", "[spdy]") {
    Ends ends;
    for (std::size_t count = 0; count <= kStreamsMax; ++count) ends.client.open({});
    REQUIRE(ends.server.receive(ends.client.take_output()));
    CHECK(ends.server.open_streams() == kStreamsMax);
    REQUIRE(ends.client.receive(ends.server.take_output()));
    CHECK(told(ends.client) == "reset 2001 3");
}

TEST_CASE("spdy: who has gone away opens no more streams", "[spdy]") {
    Ends ends;
    ends.server.go_away();
    ends.to_client();
    CHECK(told(ends.client) == "gone");
    ends.client.open({});
    ends.to_server();
    CHECK(told(ends.server).empty());
    ends.to_client();
    CHECK(told(ends.client) == "reset 1 3");
}

TEST_CASE("spdy: what is not SPDY/3 ends the connection", "[spdy]") {
    const auto error_of = [](const std::string& bytes) {
        Session session(Role::server);
        const auto taken = session.receive(bytes);
        return taken ? std::string() : taken.error().message();
    };
    CHECK(error_of(frame(0x8002'0001, 0)) == "SPDY: a frame of version 2");
    CHECK(error_of(frame(0x8003'0005, 0)) == "SPDY: a frame of type 5");
    CHECK(error_of(frame(0x8003'0001, 4, "abcd")) == "SPDY: SYN_STREAM is too short");
    CHECK(error_of(frame(0x8003'0003, 4, "abcd")) == "SPDY: RST_STREAM is too short");
    CHECK(error_of(frame(0x8003'0006, 2, "ab")) == "SPDY: PING is too short");
    CHECK(
        error_of(frame(0x8003'0001, kControlBytesMax + 1)) == "SPDY: a control frame is too long"
    );
    CHECK(
        error_of(frame(0x8003'0001, 14, "aaaabbbbccxxxx")) ==
        "SYN_STREAM: header block: not deflated"
    );
}
