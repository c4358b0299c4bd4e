// SPDX-License-Identifier: Apache-2.0
//
// What stands when the cloud, the machine and the device itself say different things.
#include "tests/support/catch.hpp"
#include "twin_bench.hpp"

#include <chrono>
#include <string>

using namespace farhold;
using namespace farhold::test;
using namespace farhold::twin;
using namespace std::chrono_literals;

namespace {

Result<> set(TwinBench& bench, std::string value) {
    return bench.twins().set_desired(
        "default/lamp", "power", std::move(value), "admin", bench.now()
    );
}

}  // namespace

TEST_CASE("device twin: the cloud's desired value is said once until it is followed", "[twin]") {
    TwinBench bench;
    bench.device("u1", {{"power", "40"}});
    CHECK(bench.deltas() == std::vector<std::string>{R"({"power":"40"})"});
    bench.device("u1", {{"power", "40"}});
    CHECK(bench.deltas().empty());
    bench.report("power", "40");
    CHECK(bench.deltas().empty());
    CHECK(bench.property("power").desired->version == Versions{.cloud = 1, .edge = 0});
    CHECK(bench.property("power").reported->version == Versions{.cloud = 0, .edge = 1});
    bench.device("u1", {{"power", "50"}});
    CHECK(bench.deltas() == std::vector<std::string>{R"({"power":"50"})"});
    CHECK(bench.property("power").desired->version.cloud == 2);
}

TEST_CASE("device twin: a difference is said again to a mapper that has begun anew", "[twin]") {
    TwinBench bench;
    bench.device("u1", {{"power", "40"}});
    const std::vector<std::string> delta{R"({"power":"40"})"};
    REQUIRE(bench.deltas() == delta);
    SECTION("when it asks") {
        bench.send("twin/get", R"({"event_id":"g"})");
        CHECK(bench.deltas() == delta);
    }
    SECTION("when it says its state") {
        bench.send("state/update", R"({"state":"online"})");
        CHECK(bench.deltas() == delta);
    }
    SECTION("when it reports another value") {
        bench.report("power", "41");
        CHECK(bench.deltas() == delta);
    }
    SECTION("when the broker is back") {
        bench.twins().broker_connected();
        CHECK(bench.deltas() == delta);
    }
    SECTION("when edgecore has begun anew") {
        bench.restart();
        bench.device("u1", {{"power", "40"}});
        CHECK(bench.deltas() == delta);
        CHECK(bench.property("power").desired->version.cloud == 1);
    }
    SECTION("after a while, ever more seldom") {
        for (const auto wait : {10s, 10s, 20s, 40s, 60s, 60s}) {
            bench.pass(wait - 1s);
            CHECK(bench.deltas().empty());
            bench.pass(1s);
            CHECK(bench.deltas() == delta);
        }
    }
}

TEST_CASE(
    "device twin: a desired value that breaks the model is told and not passed on", "[twin]"
) {
    TwinBench bench;
    bench.device("u1", {{"power", "140"}, {"heat", "3"}});
    CHECK(bench.deltas().empty());
    const json::Value told = bench.told();
    const auto& problems = told.elements_at({"extensions", "problems"});
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].as_string() == "desired value of heat not taken: the property is ReadOnly");
    CHECK(problems[1].as_string() == "desired value of power not taken: must not be more than 100");
    bench.pass(2s);
    bench.device("u1", {{"power", "90"}});
    CHECK(bench.deltas().size() == 1);
    CHECK(bench.told().find("extensions") == nullptr);
}

TEST_CASE("device twin: a value set here counts at once and survives a crash", "[twin]") {
    TwinBench bench;
    bench.device("u1", {{"power", "40"}});
    bench.run();
    REQUIRE(set(bench, "60"));
    CHECK(bench.deltas() == std::vector<std::string>{R"({"power":"60"})"});
    CHECK(bench.property("power").desired->version == Versions{.cloud = 1, .edge = 1});
    bench.restart();
    bench.device("u1", {{"power", "40"}});
    CHECK(bench.deltas() == std::vector<std::string>{R"({"power":"60"})"});
    CHECK(bench.property("power").desired->who == "admin");
    CHECK(set(bench, "600").error().message().contains("must not be more than 100"));
    CHECK(
        bench.twins()
            .set_desired("default/lamp", "heat", "1", "x", bench.now())
            .error()
            .message() == "default/lamp: heat: expected: the property is ReadOnly"
    );
    CHECK(
        bench.twins().set_desired("default/lamp", "odd", "1", "x", bench.now()).error().code() ==
        ErrorCode::not_found
    );
}

TEST_CASE("device twin: the rule of the Device decides between two sides", "[twin]") {
    struct Case {
        const char* rule;
        bool cloud_later;
        const char* stands;
    };
    for (const Case& one : {
             Case{"newest", true, "70"},
             Case{"newest", false, "60"},
             Case{"cloud", true, "70"},
             Case{"cloud", false, "70"},
             Case{"machine", true, "60"},
             Case{"machine", false, "60"},
             Case{"nonsense", true, "70"},
         }) {
        INFO(one.rule << ' ' << one.cloud_later);
        TwinBench bench;
        bench.device("u1", {{"power", "40"}}, one.rule);
        bench.run();
        bench.pass(10s);
        if (!one.cloud_later) {
            bench.device("u1", {{"power", "70"}}, one.rule);
            bench.pass(10s);
        }
        REQUIRE(set(bench, "60"));
        bench.run();
        bench.pass(10s);
        if (one.cloud_later) {
            bench.device("u1", {{"power", "70"}}, one.rule);
            CHECK(bench.desired("power") == "60");  // Until the machine knows all of it.
        }
        bench.twins().set_linked(true, bench.now());
        CHECK(bench.desired("power") == one.stands);
        bench.run();
        bench.pass(2s);
        bench.run();
        const json::Value told = bench.told();
        const auto& conflicts = told.elements_at({"extensions", "conflicts"});
        REQUIRE(conflicts.size() == 1);
        CHECK(conflicts[0].text_at({"cloud"}) == "70");
        CHECK(conflicts[0].text_at({"machine"}) == "60");
        CHECK(
            conflicts[0].text_at({"stands"}) ==
            (std::string_view(one.stands) == "60" ? "machine" : "cloud")
        );
        // It is settled: the cloud's next word stands in any case.
        bench.device("u1", {{"power", "80"}}, one.rule);
        CHECK(bench.desired("power") == "80");
        CHECK_FALSE(bench.property("power").conflict);
    }
}

TEST_CASE("device twin: a clock that runs ahead does not freeze a property", "[twin]") {
    TwinBench bench;
    bench.device("u1", {{"power", "40"}});
    bench.run();
    const WallTime right = bench.wall;
    bench.wall += std::chrono::years(10);
    REQUIRE(set(bench, "60"));
    bench.wall = right;
    bench.pass(10s);
    bench.device("u1", {{"power", "70"}});
    bench.twins().set_linked(true, bench.now());
    CHECK(bench.desired("power") == "70");
}

TEST_CASE(
    "device twin: a machine whose clock is behind has the later word after the cloud's", "[twin]"
) {
    TwinBench bench;
    bench.device("u1", {{"power", "40"}});
    bench.run();
    bench.wall -= std::chrono::years(10);
    bench.trusted -= std::chrono::years(1);
    REQUIRE(set(bench, "60"));
    bench.trusted += std::chrono::years(1);
    bench.twins().set_linked(true, bench.now());
    CHECK(bench.desired("power") == "60");
}

TEST_CASE("device twin: with a link the cloud's rule refuses a value set here", "[twin]") {
    TwinBench bench;
    bench.device("u1", {{"power", "40"}}, "cloud");
    bench.twins().set_linked(true, bench.now());
    CHECK(set(bench, "60").error().code() == ErrorCode::conflict);
    bench.send("twin/update", R"({"event_id":"e","twin":{"power":{"expected":{"value":"60"}}}})");
    const auto publishes = bench.run();
    const auto answer = std::ranges::find_if(publishes, [](const Publish& one) {
        return one.topic.ends_with("/result");
    });
    REQUIRE(answer != publishes.end());
    CHECK(json::Value::parse(answer->payload)->integer_at({"code"}) == 409);
    CHECK(bench.desired("power") == "40");
}

TEST_CASE("device twin: what the cloud desires no more is desired no more", "[twin]") {
    TwinBench bench;
    bench.device("u1", {{"power", "40"}});
    bench.run();
    bench.device("u1", {});
    CHECK(bench.desired("power").empty());
    CHECK(bench.deltas().empty());
    bench.pass(100s);
    CHECK(bench.deltas().empty());
}

TEST_CASE("device twin: a Device made anew has nothing of the one before", "[twin]") {
    TwinBench bench;
    bench.device("u1", {{"power", "40"}});
    bench.report("power", "30");
    bench.run();
    REQUIRE(set(bench, "60"));
    bench.run();
    SECTION("seen to go") {
        bench.twins().remove_device("default/lamp", bench.now());
        bench.run();
        CHECK(bench.disk.empty());
        bench.device("u2", {{"power", "20"}});
    }
    SECTION("in one step") {
        bench.device("u2", {{"power", "20"}});
    }
    SECTION("while nobody looked") {
        bench.restart();
        bench.device("u2", {{"power", "20"}});
    }
    CHECK(bench.desired("power") == "20");
    CHECK_FALSE(bench.property("power").reported);
    CHECK(bench.property("power").desired->version == Versions{.cloud = 1, .edge = 0});
    bench.run();
    CHECK(DeviceRecord::decode(bench.disk.at("default/lamp"))->uid == "u2");
    CHECK(bench.reports.back().uid == "u2");
}
