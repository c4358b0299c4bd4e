// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/hold_record.hpp"

#include "tests/support/catch.hpp"

#include <chrono>

using namespace farhold;
using namespace farhold::views;

namespace {

RemovalHold two_holds() {
    RemovalHold hold;
    hold.list_seen("c", "Pod", "10");
    hold.list_seen("c", "Pod", "9");
    hold.may_remove("cluster", "n1", "n2");
    hold.date(WallTime(std::chrono::hours(1)));
    return hold;
}

}  // namespace

TEST_CASE("hold_record: a scope has one name, also of a node called cluster", "[views]") {
    for (const std::string scope : {"", "edge-1", "cluster"}) {
        CHECK(scope_named(scope_name(scope)) == scope);
    }
    CHECK(scope_name("cluster") == "node/cluster");
    CHECK_FALSE(scope_named("edge-1"));
    CHECK_FALSE(scope_named("node/"));
    CHECK_FALSE(scope_named(""));
}

TEST_CASE("hold_record: people see what is held, since when and where", "[views]") {
    json::Value map = make_hold_map();
    CHECK(read_held_removals(map)->empty());
    const RemovalHold hold = two_holds();
    write_hold(map, hold, {{"cluster", 2}, {"edge-1", 3}});
    CHECK(read_hold(map)->held() == hold.held());
    const auto all = read_held_removals(map);
    REQUIRE(all);
    REQUIRE(all->size() == 2);
    CHECK(all->at(0).name == "cluster");
    CHECK(all->at(0).reason == "the cluster went back in time");
    CHECK(all->at(0).since == WallTime(std::chrono::hours(1)));
    CHECK(all->at(0).machines == ObjectsByMachine{{"edge-1", 3}});
    CHECK(all->at(1).name == "node/cluster");
    CHECK(all->at(1).machines == ObjectsByMachine{{"cluster", 2}});
}

TEST_CASE("hold_record: an unreadable record is no empty hold", "[views]") {
    json::Value map = make_hold_map();
    map.ensure_path({"data"}).set("record", json::Value::of("{"));
    CHECK_FALSE(read_hold(map).has_value());
    CHECK(read_held_removals(map).error().message().contains("kube-system/farhold-removal-hold"));
    write_hold(map, two_holds(), {});
    map.ensure_path({"data"}).set("kept", json::Value::of("[]"));
    CHECK(read_held_removals(map)->size() == 2);
}

TEST_CASE("hold_record: several names are confirmed at once", "[views]") {
    json::Value map = make_hold_map();
    CHECK(confirmed_names(map).empty());
    set_confirmed_names(map, {});
    set_confirmed_names(map, {"cluster", "node/edge-1"});
    CHECK(confirmed_names(map) == std::vector<std::string>{"cluster", "node/edge-1"});
    set_confirmed_names(map, {});
    CHECK(confirmed_names(map).empty());
}
