// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/reach/exec_channels.hpp"

#include "common/json/value.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace farhold;         // NOLINT(google-build-using-namespace)
using namespace farhold::reach;  // NOLINT(google-build-using-namespace)

namespace {

using namespace std::string_literals;

constexpr std::string_view kSuccess = R"({"metadata":{},"status":"Success"})";

// A container runtime's end.
struct Runtime {
    explicit Runtime(std::string_view query, bool has_close_signal = true)
        : channels(subject_of("/exec/a/b/c?command=x&" + std::string(query)), has_close_signal) {}

    // What our end has sent; streams are accepted unless they are to wait.
    void hear(bool accept = true) {
        REQUIRE(spdy.receive(channels.take_output()));
        for (const spdy::Event& event : spdy.take_events()) {
            if (const auto* opened = std::get_if<spdy::StreamOpened>(&event)) {
                order.emplace_back(spdy::find_header(opened->headers, "streamtype"));
                streams[order.back()] = opened->stream;
                if (accept) spdy.accept(opened->stream);
            } else if (const auto* data = std::get_if<spdy::StreamData>(&event)) {
                heard[name(data->stream)] += data->bytes;
            } else if (const auto* ended = std::get_if<spdy::StreamEnded>(&event)) {
                heard[name(ended->stream)] += "<end>";
            }
        }
    }
    void answer() {
        REQUIRE(channels.from_runtime(spdy.take_output()));
        for (std::string& message : channels.take_messages()) told.push_back(std::move(message));
    }
    void begin() {
        hear();
        answer();
        REQUIRE(channels.ready());
    }
    void end(std::string_view status) {
        for (const std::string_view type : {"stdout", "stderr"}) {
            if (streams.contains(std::string(type))) spdy.end(streams[std::string(type)]);
        }
        spdy.send(streams["error"], status);
        spdy.end(streams["error"]);
        answer();
    }
    std::string name(spdy::StreamId id) const {
        const auto found = std::ranges::find(
            streams, id, &std::map<std::string, spdy::StreamId>::value_type::second
        );
        return found == streams.end() ? "?" : found->first;
    }

    ExecChannels channels;
    spdy::Session spdy{spdy::Role::server};
    std::vector<std::string> order;
    std::map<std::string, spdy::StreamId> streams;
    std::map<std::string, std::string> heard;
    std::vector<std::string> told;
};

}  // namespace

TEST_CASE("exec channels: the runtime gets the streams that the client wants", "[reach]") {
    Runtime plain("input=1&output=1&error=1");
    plain.begin();
    CHECK(plain.order == std::vector<std::string>{"error", "stdin", "stdout", "stderr"});
    Runtime terminal("input=1&output=1&error=1&tty=1");
    terminal.begin();
    CHECK(terminal.order == std::vector<std::string>{"error", "stdin", "stdout", "resize"});
    Runtime quiet("");
    quiet.begin();
    CHECK(quiet.order == std::vector<std::string>{"error"});
}

TEST_CASE("exec channels: nothing comes from the client before the runtime is ready", "[reach]") {
    Runtime runtime("input=1&output=1");
    runtime.hear(false);
    runtime.answer();
    CHECK_FALSE(runtime.channels.ready());
    for (const auto& [type, stream] : runtime.streams) runtime.spdy.accept(stream);
    runtime.answer();
    CHECK(runtime.channels.ready());
}

TEST_CASE("exec channels: input, its end, sizes and output find their way", "[reach]") {
    Runtime runtime("input=1&output=1&tty=1");
    runtime.begin();
    REQUIRE(runtime.channels.from_client("\0date\n"s));
    REQUIRE(runtime.channels.from_client("\4{\"Width\":80,\"Height\":24}"s));
    REQUIRE(runtime.channels.from_client(""s));
    REQUIRE(runtime.channels.from_client("\xff\0"s));
    runtime.hear();
    CHECK(runtime.heard["stdin"] == "date\n<end>");
    CHECK(runtime.heard["resize"] == "{\"Width\":80,\"Height\":24}");
    runtime.spdy.send(runtime.streams["stdout"], "Tue");
    runtime.answer();
    CHECK(runtime.told == std::vector<std::string>{"\1Tue"});
    CHECK_FALSE(runtime.channels.finished());
}

TEST_CASE("exec channels: the outcome comes last", "[reach]") {
    Runtime runtime("output=1&error=1");
    runtime.begin();
    runtime.spdy.send(runtime.streams["stderr"], "oops");
    runtime.spdy.send(runtime.streams["error"], kSuccess);
    runtime.spdy.end(runtime.streams["error"]);
    runtime.answer();
    CHECK(runtime.told == std::vector<std::string>{"\2oops"});
    runtime.spdy.end(runtime.streams["stderr"]);
    runtime.spdy.send(runtime.streams["stdout"], "late");
    runtime.spdy.end(runtime.streams["stdout"]);
    runtime.answer();
    CHECK(runtime.channels.finished());
    CHECK(
        runtime.told == std::vector<std::string>{"\2oops", "\1late", "\3" + std::string(kSuccess)}
    );
}

TEST_CASE("exec channels: a runtime that is gone is told as a failure", "[reach]") {
    const auto message_in = [](const std::string& told) {
        CHECK(told.front() == '\3');
        const auto status = json::Value::parse(told.substr(1)).value();
        CHECK(status.text_at({"status"}) == "Failure");
        return std::string(status.text_at({"message"}));
    };
    Runtime cut("output=1");
    cut.begin();
    cut.channels.broken("the link was cut");
    CHECK(cut.channels.finished());
    auto told = cut.channels.take_messages();
    REQUIRE(told.size() == 1);
    CHECK(message_in(told[0]) == "the link was cut");

    Runtime mute("output=1");
    mute.begin();
    mute.end("");
    REQUIRE(mute.told.size() == 1);
    CHECK(message_in(mute.told[0]) == "the container runtime did not tell the outcome");
    mute.channels.broken("nobody needs to know");
    CHECK(mute.channels.take_messages().empty());
}

TEST_CASE("exec channels: what no client may send ends the session", "[reach]") {
    Runtime runtime("input=1&output=1");
    runtime.begin();
    CHECK_FALSE(runtime.channels.from_client("\1not yours"s));
    CHECK_FALSE(runtime.channels.from_client("\7what?"s));
    CHECK_FALSE(runtime.channels.from_client("\xff\1"s));
    CHECK_FALSE(runtime.channels.from_client("\xff"s));
    Runtime older("input=1", false);
    older.begin();
    CHECK_FALSE(older.channels.from_client("\xff\0"s));
}

TEST_CASE("exec channels: input that nobody wants is dropped", "[reach]") {
    Runtime runtime("output=1");
    runtime.begin();
    CHECK(runtime.channels.from_client("\0x"s));
    CHECK(runtime.channels.from_client("\xff\0"s));
    runtime.hear();
    CHECK(runtime.heard.empty());
}

TEST_CASE("exec channels: an outcome without end is refused", "[reach]") {
    Runtime runtime("output=1");
    runtime.begin();
    runtime.spdy.send(runtime.streams["error"], std::string(100'000, 'x'));
    CHECK_FALSE(runtime.channels.from_runtime(runtime.spdy.take_output()));
}
