// SPDX-License-Identifier: Apache-2.0
//
// Messages, commits and reports of all devices of a machine.
#include "tests/support/catch.hpp"
#include "twin_bench.hpp"

#include <algorithm>
#include <chrono>
#include <string>

using namespace farhold;
using namespace farhold::test;
using namespace farhold::twin;
using namespace std::chrono_literals;

namespace {

const Publish* find(const std::vector<Publish>& publishes, std::string_view end) {
    const auto found = std::ranges::find_if(publishes, [&](const Publish& one) {
        return one.topic.ends_with(end);
    });
    return found == publishes.end() ? nullptr : &*found;
}

std::int64_t code_of(const Publish* publish) {
    return publish == nullptr ? -1 : json::Value::parse(publish->payload)->integer_at({"code"});
}

std::string value_told(const TwinBench& bench) {
    const json::Value told = bench.told();
    const auto& twins = told.elements_at({"twins"});
    return twins.empty() ? "" : std::string(twins[0].text_at({"reported", "value"}));
}

}  // namespace

TEST_CASE("twins: a result goes out only with the commit of its value", "[twin]") {
    TwinBench bench;
    bench.device("u1", {});
    bench.run();
    bench.report("power", "7");
    Effects effects = bench.take();
    REQUIRE(effects.rows.size() == 1);
    CHECK(effects.rows[0].text.contains(R"("value":"7")"));
    CHECK(find(effects.publishes, "/update/result") != nullptr);
    CHECK(find(effects.publishes, "/update/document") != nullptr);
    SECTION("a commit that fails is told, and the value is kept with the next one") {
        const auto publishes = bench.twins().failed(std::move(effects), "disk", bench.now());
        REQUIRE(publishes.size() == 1);
        CHECK(code_of(&publishes[0]) == 500);
        // It is not on the disk, so saying it again is no unchanged report.
        bench.report("power", "7");
        CHECK(bench.take().rows.size() == 1);
    }
}

TEST_CASE("twins: a report that says nothing new costs nothing", "[twin]") {
    TwinBench bench;
    bench.device("u1", {});
    bench.report("power", "7");
    bench.run();
    bench.pass(5s);
    bench.run();
    const std::size_t told = bench.reports.size();
    for (int i = 0; i < 10; ++i) {
        bench.report("power", "7");
        bench.pass(5s);
        const Effects effects = bench.take();
        CHECK_FALSE(effects.must_commit());
        CHECK(find(effects.publishes, "/update/result") != nullptr);
        CHECK(find(effects.publishes, "/update/document") == nullptr);
    }
    CHECK(bench.reports.size() == told);
    CHECK(bench.twins().counters().unchanged == 10);
}

TEST_CASE("twins: the cloud gets the last value, at most one a second", "[twin]") {
    TwinBench bench;
    bench.device("u1", {});
    bench.run();
    bench.reports.clear();
    bench.pass(2s);
    for (int i = 1; i <= 100; ++i) {
        bench.report("power", std::to_string(i));
        bench.run();
        bench.pass(50ms);
    }
    bench.pass(1s);
    bench.run();
    const auto count = std::ranges::count_if(bench.reports, [](const Report& one) {
        return one.key == "DeviceStatus/default/lamp";
    });
    CHECK(count >= 5);
    CHECK(count <= 6);
    CHECK(value_told(bench) == "100");
    const auto wake = bench.twins().wake_at();
    CHECK((!wake || *wake > bench.now().mono));
}

TEST_CASE("twins: what was not told yet is told after a crash", "[twin]") {
    TwinBench bench;
    bench.device("u1", {});
    bench.run();
    bench.report("power", "7");
    bench.run();
    CHECK(value_told(bench).empty());  // Within the second.
    bench.restart();
    bench.device("u1", {});
    bench.run();
    CHECK(value_told(bench) == "7");
}

TEST_CASE("twins: a full outbox takes the value when it has room", "[twin]") {
    TwinBench bench;
    bench.outbox_full = true;
    bench.device("u1", {});
    bench.report("power", "7");
    bench.run();
    CHECK(bench.reports.empty());
    bench.outbox_full = false;
    bench.pass(2s);
    bench.run();
    CHECK(value_told(bench) == "7");
}

TEST_CASE("twins: the Device's own status is written once a minute at most", "[twin]") {
    TwinBench bench;
    bench.device("u1", {});
    const auto states = [&] {
        return std::ranges::count_if(bench.reports, [](const Report& one) {
            return one.key == "DeviceState/default/lamp";
        });
    };
    bench.run();
    bench.pass(10s);
    bench.run();
    CHECK(states() == 0);  // There is nothing to say.
    bench.send("state/update", R"({"state":"online"})");
    bench.run();
    bench.pass(2s);
    bench.report("power", "7");
    bench.run();
    CHECK(states() == 1);
    for (int i = 0; i < 590; ++i) {
        bench.send("state/update", i % 2 == 0 ? R"({"state":"offline"})" : R"({"state":"online"})");
        bench.run();
        bench.pass(100ms);
    }
    CHECK(states() == 1);
    bench.pass(2s);
    bench.run();
    CHECK(states() == 2);
    CHECK(json::Value::parse(bench.reports.back().body)->text_at({"state"}) == "online");
}

TEST_CASE("twins: a message that cannot be followed gets an error and changes nothing", "[twin]") {
    TwinBench bench;
    bench.device("u1", {});
    bench.report("power", "7");
    bench.run();
    bench.pass(5s);
    bench.run();
    const std::string before = bench.disk.at("default/lamp");
    const auto refused = [&](std::string_view payload) {
        bench.send("twin/update", payload);
        return code_of(find(bench.run(), "/update/result"));
    };
    CHECK(refused("not json") == 400);
    CHECK(refused(R"({"twin":{"power":{"actual":{"value":"101"}}}})") == 400);
    CHECK(refused(R"({"twin":{"power":{"actual":{"value":"warm"}}}})") == 400);
    CHECK(refused(R"({"twin":{"heat":{"expected":{"value":"1"}}}})") == 400);
    // One bad property, and the good one is not taken either.
    CHECK(
        refused(R"({"twin":{"heat":{"actual":{"value":"1"}},"power":{"actual":{"value":"101"}}}})"
        ) == 400
    );
    CHECK(refused(std::string(kPayloadBytesMax + 1, ' ')) == 400);
    CHECK(bench.disk.at("default/lamp") == before);
    CHECK_FALSE(bench.take().must_commit());
    CHECK(bench.twins().counters().refused == 6);
    CHECK(bench.twins().take_refused().size() == 6);
}

TEST_CASE("twins: devices and nodes that are not ours", "[twin]") {
    TwinBench bench;
    bench.device("u1", {});
    bench.run();
    const auto send = [&](const char* topic) {
        bench.twins().message(
            {.topic = topic, .payload = R"({"event_id":"e","twin":{}})"}, bench.now()
        );
        return bench.run();
    };
    const auto unknown = send("$hw/events/device/default/other/twin/update");
    REQUIRE(unknown.size() == 1);
    CHECK(unknown[0].topic == "$hw/events/device/default/other/twin/update/result");
    CHECK(code_of(&unknown[0]) == 404);
    CHECK(code_of(find(send("$hw/events/device/default/other/twin/get"), "result")) == 404);
    CHECK(send("$hw/events/node/edge-2/membership/get").empty());
    const auto members = send("$hw/events/node/edge-1/membership/detail");
    REQUIRE(members.size() == 1);
    CHECK(json::Value::parse(members[0].payload)->elements_at({"devices"}).size() == 1);
}

TEST_CASE("twins: what a broker kept counts only if it is news", "[twin]") {
    TwinBench bench;
    bench.device("u1", {});
    const auto message = [](int sent, int value) {
        return R"({"timestamp":)" + std::to_string(sent) +
               R"(,"twin":{"power":{"actual":{"value":")" + std::to_string(value) + R"("}}}})";
    };
    bench.send("twin/update", message(100, 7));
    bench.run();
    bench.send("twin/update", message(90, 6), true);
    bench.send("twin/update", R"({"twin":{"power":{"actual":{"value":"5"}}}})", true);
    bench.send("twin/update", R"({"twin":{"power":{"expected":{"value":"5"}}}})", true);
    bench.send("twin/update", "junk", true);
    CHECK(bench.run().empty());
    CHECK(bench.property("power").reported->value == "7");
    bench.send("twin/update", message(110, 8), true);
    bench.run();
    CHECK(bench.property("power").reported->value == "8");
}

TEST_CASE("twins: null takes an optional property away", "[twin]") {
    TwinBench bench;
    bench.device("u1", {});
    bench.send("twin/update", R"({"twin":{"note":{"actual":{"value":"a"}}}})");
    bench.send("twin/update", R"({"twin":{"kept":{"actual":{"value":"a"},"optional":false}}})");
    bench.run();
    bench.send("twin/update", R"({"event_id":"e","twin":{"note":null,"kept":null}})");
    const auto publishes = bench.run();
    const Publish* result = find(publishes, "/update/result");
    REQUIRE(result != nullptr);
    CHECK(result->payload.ends_with(R"("twin":{"note":null}})"));
    const auto& properties = bench.twins().find("default/lamp")->record().properties;
    CHECK_FALSE(properties.contains("note"));
    CHECK(properties.contains("kept"));
}

TEST_CASE("twins: rows of devices that went while nobody looked are forgotten", "[twin]") {
    TwinBench bench;
    bench.device("u1", {});
    bench.run();
    bench.restart();
    bench.run();
    CHECK(bench.disk.size() == 1);  // The Device may still come.
    bench.twins().forget_others();
    bench.run();
    CHECK(bench.disk.empty());
    CHECK_FALSE(bench.twins().restore("default/x", "{").has_value());
}
