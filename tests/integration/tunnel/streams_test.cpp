// SPDX-License-Identifier: Apache-2.0
//
// Streams between the hub and a machine, over the real tunnel.
#include "common/net/websocket.hpp"
#include "common/streams/stream_frame.hpp"
#include "common/tunnel/frame.hpp"
#include "tests/support/tunnel_world.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

using namespace farhold;
using namespace farhold::test;         // NOLINT(google-build-using-namespace)
using namespace farhold::test::world;  // NOLINT(google-build-using-namespace)
using streams::StreamClass;

namespace {

using Stream = std::unique_ptr<net::ByteStream>;

// A cloud and a machine whose handler of streams is the test's.
struct Tunnel {
    Tunnel(World& world, link::CloudLink::ServeStream serve)
        : cloud(world.executor, world.api, world.pki, world.clock), world_(world) {
        serve_ = std::move(serve);
    }

    Task<> start() {
        co_await cloud.start();
        machine = std::make_unique<Machine>(
            world_.executor, world_.folder, world_.pki, cloud.listener->port(), world_.clock
        );
        machine->link.on_stream(serve_);
        machine->link.start(machine->group);
        CHECK(co_await becomes_true([this] { return machine->live(); }));
    }
    Task<> stop() {
        co_await machine->stop();
        co_await cloud.stop();
    }
    Task<Result<Stream>> open(StreamClass cls) { return cloud.hub.open_stream(kNode, cls); }

    Cloud cloud;
    std::unique_ptr<Machine> machine;

private:
    World& world_;
    link::CloudLink::ServeStream serve_;
};

// Sends back what comes, until it ends.
Task<> echo(Stream stream) {
    std::array<char, 5000> buffer{};
    while (true) {
        const auto count = co_await stream->read_some(buffer);
        if (!count) co_return;
        if (*count == 0) break;
        const std::string_view bytes(buffer.data(), *count);
        if (!co_await stream->write(bytes)) co_return;
    }
    stream->end_writing();
}

Task<> write_all(net::ByteStream& stream, std::string bytes) {
    const auto written = co_await stream.write(bytes);
    CHECK(written.has_value());
    stream.end_writing();
}

// Until the end, or that many bytes.
Task<std::string> read_up_to(net::ByteStream& stream, std::size_t max) {
    std::string all;
    std::array<char, 4096> buffer{};
    while (all.size() < max) {
        const std::size_t room = std::min(buffer.size(), max - all.size());
        const auto count = co_await stream.read_some(std::span(buffer).first(room));
        if (!count || *count == 0) break;
        all.append(buffer.data(), *count);
    }
    co_return all;
}

std::string many_bytes(std::size_t count) {
    std::string bytes;
    while (bytes.size() < count) bytes += "line " + std::to_string(bytes.size()) + "\n";
    return bytes;
}

struct Counts {
    streams::StreamCounters cloud;
    streams::StreamCounters machine;
};

Counts counts(const Tunnel& tunnel, StreamClass cls) {
    const auto index = static_cast<std::size_t>(cls);
    return {
        tunnel.cloud.hub.counters().streams.at(index),
        tunnel.machine->link.stream_counters().at(index),
    };
}

Task<Stream> open_one(Tunnel& tunnel, StreamClass cls) {
    auto stream = co_await tunnel.open(cls);
    REQUIRE(stream.has_value());
    co_return std::move(*stream);
}

Task<> read_error(net::ByteStream& stream, std::string& error) {
    std::array<char, 10> buffer{};
    const auto count = co_await stream.read_some(buffer);
    error = count ? "none" : count.error().message();
}

// Both classes keep the same promises.
void for_each_class(const std::function<Task<>(World&, StreamClass)>& body) {
    for (const StreamClass cls : {StreamClass::interactive, StreamClass::bulk}) {
        INFO(to_string(cls));
        in_world([&](World& world) { return body(world, cls); });
    }
}

}  // namespace

TEST_CASE("streams: bytes go both ways and end in order", "[tunnel][streams]") {
    for_each_class([](World& world, StreamClass cls) -> Task<> {
        Tunnel tunnel(world, echo);
        co_await tunnel.start();
        for (int i = 0; i < 2; ++i) {
            const Stream stream = co_await open_one(tunnel, cls);
            const std::string bytes = many_bytes(3'000'000);
            TaskGroup writer(world.executor);
            writer.spawn(write_all(*stream, bytes));
            const std::string back = co_await read_up_to(*stream, bytes.size() + 1);
            co_await writer.join();
            CHECK(back.size() == bytes.size());
            CHECK(back == bytes);
        }
        CHECK(co_await becomes_true([&] {
            const Counts now = counts(tunnel, cls);
            return now.cloud.open() == 0 && now.machine.open() == 0;
        }));
        const auto finished = static_cast<std::size_t>(streams::EndKind::finished);
        const Counts end = counts(tunnel, cls);
        CHECK(end.cloud.opened == 2);
        CHECK(end.cloud.ended.at(finished) == 2);
        CHECK(end.machine.ended.at(finished) == 2);
        CHECK(end.cloud.bytes_sent == end.machine.bytes_received);
        CHECK(end.cloud.bytes_received == end.machine.bytes_sent);
        co_await tunnel.stop();
    });
}

TEST_CASE("streams: one that nobody reads holds back nobody else", "[tunnel][streams]") {
    for_each_class([](World& world, StreamClass cls) -> Task<> {
        Tunnel tunnel(world, [](Stream stream) -> Task<> {
            const std::string endless(100'000, 'x');
            while (co_await stream->write(endless)) {}
        });
        co_await tunnel.start();
        {
            const Stream unread = co_await open_one(tunnel, cls);
            const auto window = streams::limits_of(cls).window;
            CHECK(co_await becomes_true([&] {
                return counts(tunnel, cls).cloud.bytes_received == window;
            }));
            const Stream read = co_await open_one(tunnel, cls);
            CHECK((co_await read_up_to(*read, 2'500'000)).size() == 2'500'000);
            CHECK((co_await read_up_to(*unread, 1'500'000)).size() == 1'500'000);
            CHECK(counts(tunnel, cls).machine.open() == 2);
        }
        // Their readers are gone, which ends the writers.
        CHECK(co_await becomes_true([&] { return counts(tunnel, cls).machine.open() == 0; }));
        co_await tunnel.stop();
    });
}

TEST_CASE("streams: they end with their session, at both ends", "[tunnel][streams]") {
    for_each_class([](World& world, StreamClass cls) -> Task<> {
        std::string there;
        Tunnel tunnel(world, [&there](Stream stream) -> Task<> {
            co_await read_error(*stream, there);
        });
        co_await tunnel.start();
        const Stream stream = co_await open_one(tunnel, cls);
        CHECK(co_await becomes_true([&] { return counts(tunnel, cls).machine.open() == 1; }));
        tunnel.cloud.hub.dismiss_all();
        std::string here;
        co_await read_error(*stream, here);
        CHECK(here.find("the session with the machine has ended: shutting down") != here.npos);
        CHECK(co_await becomes_true([&] { return !there.empty(); }));
        CHECK(there.find("has ended") != there.npos);
        CHECK(counts(tunnel, cls).cloud.open() == 0);
        CHECK(co_await becomes_true([&] { return counts(tunnel, cls).machine.open() == 0; }));

        // The next session has streams again.
        CHECK(co_await becomes_true([&] { return tunnel.machine->live(); }));
        const Stream next = co_await open_one(tunnel, cls);
        CHECK(co_await becomes_true([&] { return counts(tunnel, cls).machine.open() == 1; }));
        co_await tunnel.stop();
    });
}

TEST_CASE("streams: a session that was superseded loses them", "[tunnel][streams]") {
    for_each_class([](World& world, StreamClass cls) -> Task<> {
        Tunnel tunnel(world, echo);
        co_await tunnel.start();
        const Stream stream = co_await open_one(tunnel, cls);
        const TempDir other_folder;
        const auto port = tunnel.cloud.listener->port();
        Machine second(world.executor, other_folder.path(), world.pki, port, world.clock);
        second.link.on_stream(echo);
        second.link.start(second.group);
        std::string error;
        co_await read_error(*stream, error);
        CHECK(error.find("superseded") != error.npos);
        CHECK(co_await becomes_true([&] { return second.live(); }));
        const Stream next = co_await open_one(tunnel, cls);
        TaskGroup writer(world.executor);
        writer.spawn(write_all(*next, "to the second one"));
        CHECK((co_await read_up_to(*next, 100)) == "to the second one");
        co_await writer.join();
        CHECK(second.link.stream_counters().at(static_cast<std::size_t>(cls)).opened == 1);
        co_await second.stop();
        co_await tunnel.stop();
    });
}

TEST_CASE("streams: bulk ones never ride on the session's own connection", "[tunnel][streams]") {
    in_world([](World& world) -> Task<> {
        Tunnel tunnel(world, echo);
        co_await tunnel.start();
        tunnel.cloud.refuses_bulk = true;
        const auto refused = co_await tunnel.open(StreamClass::bulk);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code() == ErrorCode::unavailable);
        CHECK(refused.error().message().find("503: not now") != std::string::npos);
        CHECK(counts(tunnel, StreamClass::interactive).cloud.opened == 0);
        CHECK(tunnel.machine->live());

        tunnel.cloud.refuses_bulk = false;
        const Stream stream = co_await open_one(tunnel, StreamClass::bulk);
        CHECK(counts(tunnel, StreamClass::bulk).cloud.opened == 1);
        co_await tunnel.stop();
    });
}

TEST_CASE("streams: without a session there are none", "[tunnel][streams]") {
    in_world([](World& world) -> Task<> {
        Cloud cloud(world.executor, world.api, world.pki, world.clock);
        co_await cloud.start();
        CHECK(co_await becomes_true([&] { return cloud.hub.ready(); }));
        const auto away = co_await cloud.hub.open_stream(kNode, StreamClass::interactive);
        REQUIRE_FALSE(away.has_value());
        CHECK(away.error().code() == ErrorCode::unavailable);
        const auto unknown = co_await cloud.hub.open_stream("edge-2", StreamClass::bulk);
        REQUIRE_FALSE(unknown.has_value());
        CHECK(unknown.error().code() == ErrorCode::not_found);
        co_await cloud.stop();
    });
}

TEST_CASE("streams: a peer that breaks their rules is told which", "[tunnel][streams]") {
    in_world([](World& world) -> Task<> {
        Cloud cloud(world.executor, world.api, world.pki, world.clock);
        co_await cloud.start();
        const net::Endpoint hub{"127.0.0.1", cloud.listener->port()};
        const auto certificate = world.pki.node(pki::to_uri({kCluster, kNode}));

        auto early =
            co_await net::connect_websocket(hub, world.pki.client(certificate), "/v1/tunnel");
        REQUIRE(early.has_value());
        std::string frame = streams::StreamFrameWriter().write({1, streams::Finish{}});
        const auto written = co_await (*early)->write(std::move(frame));
        CHECK(written.has_value());
        const auto answer = co_await (*early)->read();
        REQUIRE(answer.has_value());
        const auto message = tunnel::FrameReader().read(*answer);
        REQUIRE((message && *message));
        const auto* goodbye = std::get_if<tunnel::Goodbye>(&**message);
        REQUIRE(goodbye != nullptr);
        CHECK(goodbye->reason == tunnel::GoodbyeReason::protocol);
        CHECK(goodbye->text == "stream frame: before the welcome");

        const auto stray = co_await net::connect_websocket(
            hub, world.pki.client(certificate), streams::bulk_target(7)
        );
        REQUIRE_FALSE(stray.has_value());
        CHECK(stray.error().message().find("409: no session of this epoch") != std::string::npos);
        early->reset();
        co_await cloud.stop();
    });
}
