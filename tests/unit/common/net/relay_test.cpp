// SPDX-License-Identifier: Apache-2.0
#include "common/net/relay.hpp"

#include "common/async/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/stream_pair.hpp"

#include <array>
#include <optional>
#include <string>

using namespace farhold;
using namespace farhold::net;
using namespace std::chrono_literals;
using farhold::test::run_task;
using farhold::test::StreamPair;

namespace {

constexpr auto kForever = 1h;

struct Relayed {
    explicit Relayed(const Executor& executor)
        : client(executor), machine(executor), group(executor) {}

    void start(Duration grace) { group.spawn(run(grace)); }
    Task<> run(Duration grace) {
        outcome.emplace(co_await relay(*client.right, *machine.left, grace, bytes));
    }
    ByteStream& here() { return *client.left; }
    ByteStream& there() { return *machine.right; }

    StreamPair client;
    StreamPair machine;
    RelayedBytes bytes;
    std::optional<Result<>> outcome;
    TaskGroup group;
};

Task<std::string> read_to_end(ByteStream& stream) {
    std::string bytes;
    std::array<char, 1000> buffer;
    while (true) {
        const auto count = co_await stream.read_some(buffer);
        if (!count) co_return bytes + "<" + count.error().message() + ">";
        if (*count == 0) co_return bytes;
        bytes.append(buffer.data(), *count);
    }
}

Task<> write_much(ByteStream& stream, std::size_t count) {
    const std::string piece(1000, 'x');
    for (std::size_t at = 0; at < count; at += piece.size()) co_await stream.write(piece);
    stream.end_writing();
}

}  // namespace

TEST_CASE("Each direction of a relay ends by itself", "[net]") {
    run_task([]() -> Task<> {
        Relayed relayed(co_await this_executor);
        relayed.start(kForever);
        relayed.group.spawn(write_much(relayed.here(), 1'000'000));
        const std::string there = co_await read_to_end(relayed.there());
        CHECK(there.size() == 1'000'000);
        co_await relayed.there().write("answer");
        relayed.there().end_writing();
        const std::string here = co_await read_to_end(relayed.here());
        CHECK(here == "answer");
        co_await relayed.group.join();
        REQUIRE(relayed.outcome);
        CHECK(relayed.outcome->has_value());
        CHECK(relayed.bytes.from_left == 1'000'000);
        CHECK(relayed.bytes.from_right == 6);
    });
}

TEST_CASE("A relay with one end that stays open ends after the grace", "[net]") {
    run_task([]() -> Task<> {
        Relayed relayed(co_await this_executor);
        relayed.start(1ms);
        relayed.here().end_writing();
        const std::string there = co_await read_to_end(relayed.there());
        CHECK(there.empty());
        co_await relayed.group.join();
        const auto late = co_await relayed.there().write("late");
        CHECK_FALSE(late);
    });
}

TEST_CASE("An error at one end of a relay is the end of both", "[net]") {
    run_task([]() -> Task<> {
        Relayed relayed(co_await this_executor);
        relayed.start(kForever);
        relayed.there().close_now();
        const std::string here = co_await read_to_end(relayed.here());
        CHECK(here == "<the stream is closed>");
        co_await relayed.group.join();
        REQUIRE(relayed.outcome);
        CHECK_FALSE(relayed.outcome->has_value());
    });
}

TEST_CASE("A relay that is cancelled closes both ends", "[net]") {
    run_task([]() -> Task<> {
        Relayed relayed(co_await this_executor);
        relayed.start(kForever);
        co_await relayed.here().write("x");
        std::array<char, 1> byte;
        co_await relayed.there().read_some(byte);
        relayed.group.cancel();
        co_await relayed.group.join();
        const std::string here = co_await read_to_end(relayed.here());
        CHECK(here == "<the stream is closed>");
    });
}
