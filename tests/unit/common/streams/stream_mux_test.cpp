// SPDX-License-Identifier: Apache-2.0
#include "common/streams/stream_mux.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

using namespace farhold;
using namespace farhold::streams;

namespace {

using Role = StreamMux::Role;

constexpr std::size_t kAll = kDataBytesMax;

const StreamLimits& limits() {
    return limits_of(StreamClass::interactive);
}

// What the mux has to say, as "1 Open", "1 Data 5", "1 Credit 7".
std::string say(const StreamFrame& frame) {
    std::string text = std::to_string(frame.stream) + " " + std::string(name_of(frame.message));
    if (const auto* data = std::get_if<Data>(&frame.message)) {
        text += " " + std::to_string(data->bytes.size());
    }
    if (const auto* credit = std::get_if<Credit>(&frame.message)) {
        text += " " + std::to_string(credit->bytes);
    }
    return text;
}

std::vector<std::string> drain(StreamMux& mux, std::size_t data_max = kAll) {
    std::vector<std::string> said;
    while (const auto frame = mux.next(data_max)) said.push_back(say(*frame));
    return said;
}

// Everything that `from` has to say reaches `to`.
void carry(StreamMux& from, StreamMux& to) {
    while (auto frame = from.next(kAll)) {
        REQUIRE(to.receive(frame->stream, std::move(frame->message)).has_value());
    }
}

std::string read_all(StreamMux& mux, StreamId stream) {
    std::string all;
    std::array<char, 1000> buffer{};
    while (true) {
        const auto count = mux.read(stream, buffer);
        if (!count) return all + "...";
        if (!*count) return all + "!";
        if (**count == 0) return all;
        all.append(buffer.data(), **count);
    }
}

std::string fault_of(const Result<>& received) {
    return received ? "none" : received.error().message();
}

// An opener and an acceptor with stream 1 between them.
struct Pair {
    Pair() {
        REQUIRE(hub.open() == StreamId{1});
        carry(hub, machine);
        REQUIRE(machine.take_opened() == std::vector<StreamId>{1});
    }
    void carry_all() {
        for (int i = 0; i < 10; ++i) {
            carry(hub, machine);
            carry(machine, hub);
        }
    }

    StreamMux hub{Role::opener, StreamClass::interactive};
    StreamMux machine{Role::acceptor, StreamClass::interactive};
};

}  // namespace

TEST_CASE("stream_mux: bytes go both ways, each way ends by itself", "[streams]") {
    Pair pair;
    CHECK(pair.hub.write(1, "ask") == 3U);
    pair.hub.finish(1);
    pair.carry_all();
    CHECK(pair.machine.take_changed() == std::vector<StreamId>{1, 1});
    CHECK(read_all(pair.machine, 1) == "ask");
    CHECK(read_all(pair.hub, 1) == "...");
    CHECK(pair.machine.write(1, "answer") == 6U);
    pair.machine.finish(1);
    pair.carry_all();
    CHECK(read_all(pair.hub, 1) == "answer");
    for (StreamMux* mux : {&pair.hub, &pair.machine}) {
        const auto ended = mux->take_ended();
        REQUIRE(ended.size() == 1);
        CHECK(ended[0].kind == EndKind::finished);
        CHECK(ended[0].bytes_sent + ended[0].bytes_received == 9);
        CHECK(mux->size() == 1);  // Its owner still has it.
        mux->abandon(1);
        CHECK(mux->size() == 0);
        CHECK(drain(*mux).empty());
        CHECK(mux->counters().open() == 0);
    }
}

TEST_CASE("stream_mux: a reader that takes nothing stops its writer and nobody else", "[streams]") {
    Pair pair;
    REQUIRE(pair.hub.open() == StreamId{2});
    const std::string much(limits().unsent, 'x');
    std::size_t taken = 0;
    for (int i = 0; i < 20; ++i) {
        taken += pair.hub.write(1, much).value();
        carry(pair.hub, pair.machine);
    }
    CHECK(taken == limits().window + limits().unsent);
    CHECK(pair.hub.write(1, "x") == 0U);
    CHECK(pair.hub.write(2, "y") == 1U);
    CHECK(drain(pair.hub) == std::vector<std::string>{"2 Data 1"});

    // Credit goes back in parts of the window.
    (void)pair.hub.take_changed();
    std::string into(limits().window / 4 - 1, '\0');
    CHECK(pair.machine.read(1, into)->value() == into.size());
    CHECK(drain(pair.machine).empty());
    std::array<char, 1> one{};
    CHECK(pair.machine.read(1, one)->value() == 1);
    CHECK(drain(pair.machine) == std::vector<std::string>{"1 Credit 32768"});
    CHECK(pair.hub.receive(1, Credit{32768}).has_value());
    CHECK(drain(pair.hub).size() == 4);
    CHECK(pair.hub.take_changed() == std::vector<StreamId>{1});
    CHECK(pair.hub.write(1, much) == 32768U);
}

TEST_CASE("stream_mux: streams take turns, and what is not data goes first", "[streams]") {
    Pair pair;
    CHECK(pair.hub.write(1, std::string(20'000, 'a')) == 20'000U);
    CHECK(drain(pair.hub, 0).empty());  // No room for data now.
    REQUIRE(pair.hub.open() == StreamId{2});
    CHECK(pair.hub.write(2, std::string(10'000, 'b')) == 10'000U);
    REQUIRE(pair.hub.open() == StreamId{3});
    pair.hub.finish(3);
    const std::vector<std::string> open = {"2 Open", "3 Open", "3 Finish"};
    CHECK(drain(pair.hub, 0) == open);
    const std::vector<std::string> data = {
        "1 Data 8192", "2 Data 8192", "1 Data 8192", "2 Data 1808", "1 Data 3616"
    };
    CHECK(drain(pair.hub) == data);
    CHECK(pair.hub.write(1, "abc") == 3U);
    CHECK(drain(pair.hub, 2) == std::vector<std::string>{"1 Data 2", "1 Data 1"});
}

TEST_CASE("stream_mux: what was written before an owner left still arrives", "[streams]") {
    Pair pair;
    CHECK(pair.machine.write(1, "last words") == 10U);
    pair.machine.abandon(1);
    pair.carry_all();
    CHECK(read_all(pair.hub, 1) == "last words!");
    CHECK(pair.hub.write(1, "x").error().code() == ErrorCode::unavailable);
    CHECK(pair.hub.take_ended()[0].kind == EndKind::reset);
    CHECK(pair.machine.take_ended()[0].kind == EndKind::given_up);
    CHECK(pair.machine.size() == 0);
    pair.hub.abandon(1);
    CHECK(pair.hub.size() == 0);
    CHECK(drain(pair.hub).empty());
}

TEST_CASE(
    "stream_mux: an owner that ended its way in order is no trouble to the reader", "[streams]"
) {
    Pair pair;
    CHECK(pair.machine.write(1, "answer") == 6U);
    pair.machine.finish(1);
    pair.machine.abandon(1);
    pair.carry_all();
    CHECK(read_all(pair.hub, 1) == "answer");
    CHECK(read_all(pair.hub, 1).empty());
    CHECK_FALSE(pair.hub.write(1, "more").has_value());
    CHECK(pair.machine.size() == 0);
}

TEST_CASE("stream_mux: what comes for a stream that was given up is no error", "[streams]") {
    Pair pair;
    pair.machine.abandon(1);
    CHECK(pair.hub.write(1, "on its way") == 10U);
    pair.hub.finish(1);
    const auto data = pair.hub.next(kAll);
    CHECK(drain(pair.machine) == std::vector<std::string>{"1 Reset"});
    CHECK(pair.machine.receive(1, data->message).has_value());
    CHECK(pair.machine.receive(1, Finish{}).has_value());
    CHECK(pair.machine.receive(1, Credit{1}).has_value());
}

TEST_CASE("stream_mux: the end of the connection is the end of all streams", "[streams]") {
    Pair pair;
    CHECK(pair.hub.write(1, "half") == 4U);
    carry(pair.hub, pair.machine);
    pair.machine.end("cut");
    CHECK(read_all(pair.machine, 1) == "half!");
    CHECK(pair.machine.write(1, "x").error().message() == "cut");
    CHECK(pair.machine.take_ended()[0].kind == EndKind::connection_lost);
    CHECK(drain(pair.machine).empty());
    pair.machine.abandon(1);
    CHECK(pair.machine.size() == 0);
    pair.hub.end("cut");
    CHECK(pair.hub.open().error().code() == ErrorCode::unavailable);
}

TEST_CASE("stream_mux: a peer that breaks a rule is told which", "[streams]") {
    Pair pair;
    StreamMux& machine = pair.machine;
    CHECK(fault_of(machine.receive(3, Open{})) == "stream 3 opened after 1");
    CHECK(fault_of(machine.receive(1, Open{})) == "stream 1 opened after 1");
    CHECK(fault_of(pair.hub.receive(2, Open{})) == "only hubs open streams");
    CHECK(fault_of(machine.receive(2, Data{"x"})) == "Data of stream 2, which was never opened");
    CHECK(fault_of(machine.receive(2, Reset{})) == "Reset of stream 2, which was never opened");
    CHECK(fault_of(machine.receive(1, Credit{1})) == "more credit for stream 1 than its window");
    CHECK(fault_of(machine.receive(1, Ping{})) == "Ping of stream 1");
    for (std::size_t bytes = 0; bytes < limits().window; bytes += 8192) {
        CHECK(machine.receive(1, Data{std::string(8192, 'x')}).has_value());
    }
    CHECK(fault_of(machine.receive(1, Data{"x"})) == "more data of stream 1 than its window");
    CHECK(machine.receive(1, Finish{}).has_value());
    CHECK(fault_of(machine.receive(1, Finish{})) == "stream 1 finished twice");
    CHECK(fault_of(machine.receive(1, Data{"x"})) == "data of stream 1 after its end");
}

TEST_CASE("stream_mux: there are so many streams and no more", "[streams]") {
    Pair pair;
    for (std::size_t i = 1; i < limits().streams; ++i) REQUIRE(pair.hub.open().has_value());
    CHECK(pair.hub.open().error().code() == ErrorCode::resource_exhausted);
    carry(pair.hub, pair.machine);

    // A peer that does not count is refused, one stream at a time.
    CHECK(pair.machine.receive(limits().streams + 1, Open{}).has_value());
    CHECK(drain(pair.machine) == std::vector<std::string>{"257 Reset"});
    CHECK(pair.machine.size() == limits().streams);
    CHECK(pair.machine.counters().open() == limits().streams);
    std::string fault;
    for (StreamId id = limits().streams + 2; fault.empty() && id < 1000; ++id) {
        const auto received = pair.machine.receive(id, Open{});
        if (!received) fault = received.error().message();
    }
    CHECK(fault == "streams are opened and refusals are not read");
}
