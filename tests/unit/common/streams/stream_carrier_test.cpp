// SPDX-License-Identifier: Apache-2.0
//
// Two carriers whose messages reach each other as soon as a coroutine looks.
#include "common/streams/stream_carrier.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/log_capture.hpp"
#include "tests/support/run_task.hpp"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace farhold;
using namespace farhold::streams;
using farhold::test::run_task;

namespace {

using Stream = std::unique_ptr<net::ByteStream>;
using Role = StreamMux::Role;

struct Line {
    explicit Line(const Executor& executor)
        : changed(executor),
          hub(executor, Role::opener, StreamClass::bulk, {.address = "machine"}, log.logger(),
              {.sendable = [this] { changed.set(); }}),
          machine(
              executor, Role::acceptor, StreamClass::bulk, {.address = "hub"}, log.logger(),
              {.sendable = [this] { changed.set(); },
               .opened = [this](Stream stream) { accepted.push_back(std::move(stream)); }}
          ) {}

    // Until it is cancelled.
    Task<> carry() {
        while (true) {
            co_await changed.wait();
            carry(hub, machine);
            carry(machine, hub);
        }
    }
    static void carry(StreamCarrier& from, StreamCarrier& to) {
        while (const auto message = from.next(kDataBytesMax)) {
            const auto received = to.receive(*message);
            REQUIRE(received.has_value());
        }
    }

    test::LogCapture log{log::Level::debug};
    farhold::Event changed;
    std::vector<Stream> accepted;
    StreamCarrier hub;
    StreamCarrier machine;
};

void on_line(const std::function<Task<>(Line&, TaskGroup&)>& body) {
    run_task([&]() -> Task<> {
        Line line(co_await this_executor);
        std::function<Task<>(TaskGroup&)> in_group = [&](TaskGroup& group) -> Task<> {
            group.spawn(line.carry());
            co_await body(line, group);
        };
        co_await run_with_group(std::move(in_group));
    });
}

// Lets the other coroutines of the loop bring it about.
Task<> until(std::function<bool()> condition) {
    farhold::Event never(co_await this_executor);
    while (!condition()) co_await never.wait_for(Duration(1));
}

Task<Stream> open_and_accept(Line& line) {
    auto stream = line.hub.open();
    REQUIRE(stream.has_value());
    co_await until([&] { return !line.accepted.empty(); });
    co_return std::move(*stream);
}

Task<> write_much(net::ByteStream& stream, std::size_t bytes, bool& failed) {
    const std::string text(bytes, 'x');
    const auto written = co_await stream.write(text);
    failed = !written;
    stream.end_writing();
}

Task<> read_error(net::ByteStream& stream, std::string& error) {
    std::array<char, 10> buffer{};
    const auto count = co_await stream.read_some(buffer);
    error = count ? "none" : std::string(to_string(count.error().code()));
}

}  // namespace

TEST_CASE("stream_carrier: a long write is read in pieces, then the end", "[streams]") {
    on_line([](Line& line, TaskGroup& group) -> Task<> {
        const Stream left = co_await open_and_accept(line);
        CHECK(left->peer().address == "machine");
        CHECK(line.accepted.front()->peer().address == "hub");
        bool failed = true;
        group.spawn(write_much(*left, 3'000'000, failed));
        std::size_t total = 0;
        std::array<char, 10'000> buffer{};
        while (true) {
            const auto count = co_await line.accepted.front()->read_some(buffer);
            REQUIRE(count.has_value());
            if (*count == 0) break;
            total += *count;
        }
        CHECK(total == 3'000'000);
        CHECK_FALSE(failed);
    });
}

TEST_CASE("stream_carrier: closing ends what is pending, here and there", "[streams]") {
    on_line([](Line& line, TaskGroup& group) -> Task<> {
        Stream left = co_await open_and_accept(line);
        std::string here;
        std::string there;
        group.spawn(read_error(*left, here));
        group.spawn(read_error(*line.accepted.front(), there));
        co_await until([turns = 0]() mutable { return ++turns > 3; });
        left->close_now();
        left.reset();
        co_await until([&] { return !here.empty() && !there.empty(); });
        CHECK(here == "cancelled");
        CHECK(there == "unavailable");
        line.accepted.clear();
        CHECK(line.hub.size() == 0);
        CHECK(line.machine.size() == 0);
    });
}

TEST_CASE("stream_carrier: a writer learns that its reader has gone", "[streams]") {
    on_line([](Line& line, TaskGroup& group) -> Task<> {
        Stream left = co_await open_and_accept(line);
        bool failed = false;
        group.spawn(write_much(*line.accepted.front(), 3'000'000, failed));
        co_await until([&] { return line.hub.counters().bytes_received == 1UZ << 20U; });
        left.reset();
        co_await until([&] { return failed; });
        CHECK(line.hub.size() == 0);
        CHECK(line.machine.counters().open() == 0);
    });
}

TEST_CASE("stream_carrier: streams may outlive their connection", "[streams]") {
    Stream left;
    run_task([&]() -> Task<> {
        auto line = std::make_unique<Line>(co_await this_executor);
        left = line->hub.open().value();
        line->hub.end("the session is over");
        const auto lines = line->log.take();
        REQUIRE(lines.size() == 1);
        CHECK(
            lines[0] ==
            "debug msg=\"stream ended\" class=bulk stream=1 how=connection_lost "
            "reason=\"the session is over\" sent_bytes=0 received_bytes=0"
        );
        line.reset();
        std::array<char, 10> buffer{};
        const auto count = co_await left->read_some(buffer);
        REQUIRE_FALSE(count.has_value());
        CHECK(count.error().message() == "the session is over");
        const auto written = co_await left->write("x");
        CHECK_FALSE(written.has_value());
        left.reset();
    });
}
