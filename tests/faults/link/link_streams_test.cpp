// SPDX-License-Identifier: Apache-2.0
//
// Streams on a bad line: both ends of the tunnel, each on a thread and in a network namespace of its
// own. What a person types is timed alone and beside copies in both directions, in the same run.
#include "tests/support/catch.hpp"
#include "tests/support/link_emulator/link_emulator.hpp"
#include "tests/support/tunnel_world.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace farhold;
using namespace farhold::test;         // NOLINT(google-build-using-namespace)
using namespace farhold::test::world;  // NOLINT(google-build-using-namespace)
using streams::StreamClass;

namespace {

using Stream = std::unique_ptr<net::ByteStream>;

constexpr Duration kRoundTrip = 100ms;

double to_ms(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

// What the machine's thread tells the test.
struct MachineNews {
    std::atomic<bool> is_live = false;
    std::atomic<int> streams_open = 0;  // That its handlers serve.
    std::atomic<int> errors = 0;        // Streams that ended with one.
    std::atomic<bool> is_asked_to_stop = false;
};

// The first byte says what the machine is to do with a stream.
constexpr char kEcho = 'e';
constexpr char kTakeAll = 't';
constexpr char kSendForEver = 's';

Task<bool> echo(net::ByteStream& stream) {
    std::array<char, 100> buffer{};
    while (true) {
        const auto count = co_await stream.read_some(buffer);
        if (!count) co_return false;
        if (*count == 0) co_return true;
        const auto written = co_await stream.write({buffer.data(), *count});
        if (!written) co_return false;
    }
}

Task<bool> take_all(net::ByteStream& stream) {
    std::string buffer(16'384, '\0');
    while (true) {
        const auto count = co_await stream.read_some(buffer);
        if (!count) co_return false;
        if (*count == 0) co_return true;
    }
}

Task<bool> send_for_ever(net::ByteStream& stream) {
    const std::string piece(16'384, 'x');
    while (true) {
        const auto written = co_await stream.write(piece);
        if (!written) co_return false;
    }
}

Task<> serve(Stream stream, MachineNews& news) {
    ++news.streams_open;
    std::array<char, 1> wish{};
    bool in_order = (co_await stream->read_some(wish)).has_value();
    if (in_order && wish.front() == kEcho) in_order = co_await echo(*stream);
    if (in_order && wish.front() == kTakeAll) in_order = co_await take_all(*stream);
    if (in_order && wish.front() == kSendForEver) in_order = co_await send_for_ever(*stream);
    if (!in_order) ++news.errors;
    --news.streams_open;
}

void run_machine(const TestPki& pki, std::uint16_t port, MachineNews& news) {
    run_task([&]() -> Task<> {
        const TempDir folder;
        const SystemClock clock;
        Machine machine(
            co_await this_executor, folder.path(), pki, port, clock, kTestNow,
            LinkEmulator::kCloudAddress
        );
        machine.link.on_stream([&news](Stream stream) { return serve(std::move(stream), news); });
        machine.link.start(machine.group);
        while (!news.is_asked_to_stop) {
            news.is_live = machine.live();
            co_await let_others_run();
        }
        co_await machine.stop();
    });
}

class MachineThread {
public:
    MachineThread(MachineNews& news, std::function<void()> body)
        : news_(news), thread_(std::move(body)) {}
    MachineThread(const MachineThread&) = delete;
    MachineThread& operator=(const MachineThread&) = delete;
    ~MachineThread() { stop(); }

    void stop() {
        news_.is_asked_to_stop = true;
        if (thread_.joinable()) thread_.join();
    }

private:
    MachineNews& news_;
    std::thread thread_;
};

struct Here {
    LinkEmulator& line;
    Cloud& cloud;
    MachineNews& machine;
    const Clock& clock;
    Executor executor;

    Task<Stream> open(StreamClass cls, char wish) {
        auto stream = co_await cloud.hub.open_stream(kNode, cls);
        REQUIRE(stream.has_value());
        const auto written = co_await (*stream)->write({&wish, 1});
        REQUIRE(written.has_value());
        co_return std::move(*stream);
    }
    std::uint64_t open_here() const {
        std::uint64_t open = 0;
        for (const auto& counters : cloud.hub.counters().streams) open += counters.open();
        return open;
    }
};

void on_line(const std::function<Task<>(Here&)>& body) {
    LinkEmulator line(4);
    line.cloud().inside([&] {
        in_world([&](World& world) -> Task<> {
            Cloud cloud(world.executor, world.api, world.pki, world.clock);
            co_await cloud.start(0, LinkEmulator::kCloudAddress);
            MachineNews news;
            MachineThread machine(news, [&, port = cloud.listener->port()] {
                enter_network_namespace(line.edge().name());
                run_machine(world.pki, port, news);
            });
            Here here{line, cloud, news, world.clock, world.executor};
            CHECK(co_await becomes_true([&] { return news.is_live.load(); }));
            co_await body(here);
            line.set_both({});
            machine.stop();
            co_await cloud.stop();
        });
    });
}

struct Keystrokes {
    std::vector<Duration> times;

    Duration at(double share) const {
        auto sorted = times;
        std::ranges::sort(sorted);
        return sorted.at(static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1)));
    }
    void print(const char* when) const {
        std::printf(
            "a key %s: p50 %.0f, p95 %.0f, p99 %.0f ms (%zu keys)\n", when, to_ms(at(0.5)),
            to_ms(at(0.95)), to_ms(at(0.99)), times.size()
        );
    }
};

// One at a time, as a person types who waits to see each.
Task<Keystrokes> type(Here& here, net::ByteStream& stream, Duration length) {
    Keystrokes keys;
    std::array<char, 1> back{};
    const Instant end = here.clock.now().mono + length;
    while (here.clock.now().mono < end) {
        const Instant pressed = here.clock.now().mono;
        const auto written = co_await stream.write("k");
        const auto read = co_await stream.read_some(back);
        REQUIRE((written && read && *read == 1));
        keys.times.push_back(here.clock.now().mono - pressed);
    }
    co_return keys;
}

Task<> upload(net::ByteStream& stream) {
    co_await send_for_ever(stream);
}

Task<> download(net::ByteStream& stream) {
    co_await take_all(stream);
}

Task<> read_error(net::ByteStream& stream, std::string& error) {
    std::array<char, 10> buffer{};
    while (error.empty()) {
        const auto count = co_await stream.read_some(buffer);
        if (!count) error = count.error().message();
    }
}

}  // namespace

TEST_CASE("streams: typing is not delayed by copies in both directions", "[faults][link]") {
    on_line([](Here& here) -> Task<> {
        here.line.set_both({.delay = kRoundTrip / 2, .loss = 0.01, .bits_per_second = 10'000'000});
        const Stream shell = co_await here.open(StreamClass::interactive, kEcho);
        const Keystrokes alone = co_await type(here, *shell, 12s);
        alone.print("alone");

        const Stream up = co_await here.open(StreamClass::bulk, kTakeAll);
        const Stream down = co_await here.open(StreamClass::bulk, kSendForEver);
        TaskGroup copies(here.executor);
        copies.spawn(upload(*up));
        copies.spawn(download(*down));
        const auto bulk = [&] { return here.cloud.hub.counters().streams.back(); };
        const auto before = bulk();
        constexpr Duration kCopying = 20s;
        const Keystrokes beside = co_await type(here, *shell, kCopying);
        const auto after = bulk();
        beside.print("beside copies");
        const auto mbit = [&](std::uint64_t bytes) {
            return static_cast<double>(bytes) * 8 / 1e6 /
                   std::chrono::duration<double>(kCopying).count();
        };
        const double sent = mbit(after.bytes_sent - before.bytes_sent);
        const double received = mbit(after.bytes_received - before.bytes_received);
        std::printf("the copies carried %.1f and %.1f Mbit/s of 10\n", sent, received);
        copies.cancel();
        co_await copies.join();

        CHECK(sent > 2);
        CHECK(received > 2);
        CHECK(beside.at(0.5) <= alone.at(0.5) + 50ms);
        CHECK(beside.at(0.95) <= alone.at(0.95) + 100ms);
    });
}

TEST_CASE(
    "streams: a cut line ends them at both ends, and the next session has new ones",
    "[faults][link]"
) {
    on_line([](Here& here) -> Task<> {
        const Stream shell = co_await here.open(StreamClass::interactive, kEcho);
        const Stream copy = co_await here.open(StreamClass::bulk, kSendForEver);
        const auto received = [&] {
            return here.cloud.hub.counters().streams.back().bytes_received;
        };
        CHECK(co_await becomes_true([&] { return received() > 0; }));
        CHECK(co_await becomes_true([&] { return here.machine.streams_open == 2; }));

        const Instant cut = here.clock.now().mono;
        here.line.set_both({.black_hole = true});
        std::string of_shell;
        std::string of_copy;
        TaskGroup readers(here.executor);
        readers.spawn(read_error(*shell, of_shell));
        readers.spawn(read_error(*copy, of_copy));
        co_await readers.join();
        const Duration noticed = here.clock.now().mono - cut;
        CHECK(noticed <= 12s);
        CHECK(of_shell.find("has ended") != of_shell.npos);
        CHECK(of_copy.find("has ended") != of_copy.npos);
        CHECK(here.open_here() == 0);
        CHECK(co_await becomes_true([&] { return here.machine.streams_open == 0; }));
        CHECK(here.machine.errors == 2);

        CHECK(co_await becomes_true([&] { return !here.machine.is_live; }));
        here.line.set_both({});
        CHECK(co_await becomes_true([&] { return here.machine.is_live.load(); }));
        const Instant back = here.clock.now().mono;
        for (const StreamClass cls : {StreamClass::interactive, StreamClass::bulk}) {
            const Stream next = co_await here.open(cls, kEcho);
            const Keystrokes keys = co_await type(here, *next, 100ms);
            CHECK_FALSE(keys.times.empty());
        }
        std::printf(
            "a cut line: streams ended after %.1f s; new ones of the next session within %.1f s\n",
            to_ms(noticed) / 1000, to_ms(here.clock.now().mono - back) / 1000
        );
        CHECK(co_await becomes_true([&] { return here.machine.streams_open == 0; }));
        CHECK(co_await becomes_true([&] { return here.open_here() == 0; }));
    });
}
