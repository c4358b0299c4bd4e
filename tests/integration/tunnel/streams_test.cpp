// SPDX-License-Identifier: Apache-2.0
//
// Streams between the hub and a machine, over the real tunnel.
#include "tunnel_world.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

using namespace farhold;
using namespace farhold::test;  // NOLINT(google-build-using-namespace)
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

Task<> write_all(net::ByteStream& stream, const std::string& bytes) {
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

}  // namespace

TEST_CASE("streams: bytes go both ways and end in order", "[tunnel][streams]") {
    in_world([](World& world) -> Task<> {
        Tunnel tunnel(world, echo);
        co_await tunnel.start();
        {
            auto stream = co_await tunnel.open(StreamClass::interactive);
            REQUIRE(stream.has_value());
            const std::string bytes = many_bytes(1'000'000);
            std::string back;
            TaskGroup writer(world.executor);
            writer.spawn(write_all(**stream, bytes));
            back = co_await read_up_to(**stream, bytes.size() + 1);
            co_await writer.join();
            CHECK(back.size() == bytes.size());
            CHECK(back == bytes);
        }
        const auto both_ended = [&] {
            const auto there = tunnel.cloud.hub.counters().streams.front();
            const auto here = tunnel.machine->link.stream_counters().front();
            return there.open() == 0 && here.open() == 0;
        };
        CHECK(co_await becomes_true(both_ended));
        const auto there = tunnel.cloud.hub.counters().streams.front();
        const auto here = tunnel.machine->link.stream_counters().front();
        CHECK(there.opened == 1);
        CHECK(there.ended.front() == 1);
        CHECK(here.ended.front() == 1);
        CHECK(there.bytes_sent == here.bytes_received);
        CHECK(there.bytes_received == here.bytes_sent);
        co_await tunnel.stop();
    });
}

TEST_CASE("streams: one that nobody reads holds back nobody else", "[tunnel][streams]") {
    in_world([](World& world) -> Task<> {
        Tunnel tunnel(world, [](Stream stream) -> Task<> {
            const std::string endless(100'000, 'x');
            while (co_await stream->write(endless)) {}
        });
        co_await tunnel.start();
        {
            auto unread = co_await tunnel.open(StreamClass::interactive);
            REQUIRE(unread.has_value());
            const auto window = streams::limits_of(StreamClass::interactive).window;
            CHECK(co_await becomes_true([&] {
                return tunnel.cloud.hub.counters().streams.front().bytes_received == window;
            }));
            auto read = co_await tunnel.open(StreamClass::interactive);
            REQUIRE(read.has_value());
            CHECK((co_await read_up_to(**read, 500'000)).size() == 500'000);
            CHECK((co_await read_up_to(**unread, 300'000)).size() == 300'000);
            CHECK(tunnel.machine->link.stream_counters().front().open() == 2);
        }
        // Their readers are gone, which ends the writers.
        CHECK(co_await becomes_true([&] {
            return tunnel.machine->link.stream_counters().front().open() == 0;
        }));
        co_await tunnel.stop();
    });
}

TEST_CASE("streams: they end with their session, at both ends", "[tunnel][streams]") {
    in_world([](World& world) -> Task<> {
        std::string machine_end;
        Tunnel tunnel(world, [&](Stream stream) -> Task<> {
            std::array<char, 10> buffer{};
            const auto count = co_await stream->read_some(buffer);
            machine_end = count ? "read" : count.error().message();
        });
        co_await tunnel.start();
        auto stream = co_await tunnel.open(StreamClass::interactive);
        REQUIRE(stream.has_value());
        CHECK(co_await becomes_true([&] {
            return tunnel.machine->link.stream_counters().front().open() == 1;
        }));
        tunnel.cloud.hub.dismiss_all();
        std::array<char, 10> buffer{};
        const auto count = co_await (*stream)->read_some(buffer);
        REQUIRE_FALSE(count.has_value());
        CHECK(count.error().code() == ErrorCode::unavailable);
        CHECK(count.error().message() == "the session with the machine has ended: shutting down");
        CHECK(co_await becomes_true([&] { return !machine_end.empty(); }));
        CHECK(machine_end.find("the session with the hub has ended") == 0);
        CHECK(tunnel.cloud.hub.counters().streams.front().open() == 0);
        CHECK(tunnel.machine->link.stream_counters().front().open() == 0);

        // The next session has streams again.
        CHECK(co_await becomes_true([&] { return tunnel.machine->live(); }));
        const auto next = co_await tunnel.open(StreamClass::interactive);
        CHECK(next.has_value());
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
        const auto unknown = co_await cloud.hub.open_stream("edge-2", StreamClass::interactive);
        REQUIRE_FALSE(unknown.has_value());
        CHECK(unknown.error().code() == ErrorCode::not_found);
        co_await cloud.stop();
    });
}
