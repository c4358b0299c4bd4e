// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/removal_hold.hpp"

#include "tests/support/catch.hpp"

using namespace farhold;
using namespace farhold::views;

TEST_CASE("removal_hold: nothing is held while the cluster is the one we know", "[views]") {
    RemovalHold hold;
    hold.list_seen("c", "Pod", "10");
    CHECK(hold.may_remove(1, 100));
    hold.list_seen("c", "Pod", "10");
    hold.list_seen("c", "Pod", "11");
    CHECK(hold.may_remove("edge-1", "n1", "n1"));
    CHECK(hold.may_remove("edge-1", "", "n1"));
    CHECK(hold.held().empty());
    CHECK_FALSE(hold.confirm(""));
}

TEST_CASE("removal_hold: another cluster or one that went back holds everything", "[views]") {
    RemovalHold other;
    other.list_seen("c", "Pod", "10");
    other.list_seen("d", "Pod", "20");
    CHECK_FALSE(other.may_remove(1, 100));
    CHECK_FALSE(other.may_remove("edge-1", "n1", "n1"));
    RemovalHold back;
    back.list_seen("c", "Pod", "10");
    back.list_seen("c", "Pod", "9");
    CHECK_FALSE(back.may_remove(0, 100));
    CHECK(back.api_epoch() == 1);
    CHECK(back.confirm(""));
    back.list_seen("c", "Pod", "10");
    CHECK(back.may_remove(1, 100));
}

TEST_CASE("removal_hold: lists of different kinds may overtake each other", "[views]") {
    RemovalHold hold;
    hold.list_seen("c", "Pod", "10");
    hold.change_seen("Pod", "15");
    hold.list_seen("c", "Secret", "12");
    CHECK(hold.may_remove(1, 100));
    hold.list_seen("c", "Pod", "14");
    CHECK_FALSE(hold.may_remove(1, 100));
    CHECK(hold.confirm(""));
    // The same step back as seen in the list of another kind.
    hold.list_seen("c", "Secret", "11");
    CHECK(hold.may_remove(1, 100));
    CHECK(hold.api_epoch() == 1);
}

TEST_CASE("removal_hold: a fifth of the Pods may vanish at once, more may not", "[views]") {
    RemovalHold hold;
    CHECK(hold.may_remove(20, 100));
    CHECK(hold.may_remove(kHoldPodsMin, kHoldPodsMin));
    CHECK_FALSE(hold.may_remove(21, 100));
    CHECK_FALSE(hold.may_remove(0, 100));
    CHECK(hold.confirm(""));
    CHECK(hold.may_remove(1, 100));
}

TEST_CASE("removal_hold: a machine that remembers another Node keeps what it has", "[views]") {
    RemovalHold hold;
    CHECK_FALSE(hold.may_remove("edge-1", "n1", "n2"));
    CHECK(hold.may_remove("edge-2", "m1", "m1"));
    // It has the new Node by now, but nobody has confirmed.
    CHECK_FALSE(hold.may_remove("edge-1", "n2", "n2"));
    CHECK(hold.confirm("edge-1"));
    CHECK(hold.may_remove("edge-1", "n1", "n2"));
    CHECK_FALSE(hold.may_remove("edge-1", "n0", "n2"));
}

TEST_CASE("removal_hold: a hold has the date of when it was first dated", "[views]") {
    using namespace std::chrono_literals;
    RemovalHold hold;
    hold.may_remove("edge-1", "n1", "n2");
    hold.date(WallTime(1'500ms));
    hold.may_remove("edge-1", "n1", "n2");
    hold.may_remove("edge-2", "n1", "n2");
    hold.date(WallTime(60s));
    CHECK(hold.held().at("edge-1").since == WallTime(1s));
    CHECK(hold.held().at("edge-2").since == WallTime(60s));
}

TEST_CASE("removal_hold: the record survives the hub", "[views]") {
    RemovalHold hold;
    hold.list_seen("c", "Pod", "10");
    hold.may_remove("edge-1", "n1", "n2");
    hold.date(WallTime(std::chrono::hours(1)));
    hold.may_remove("edge-2", "n3", "");
    hold.confirm("edge-2");
    RemovalHold again = RemovalHold::decode(hold.encode()).value();
    CHECK(again.encode() == hold.encode());
    CHECK(again.held() == hold.held());
    CHECK_FALSE(again.may_remove("edge-1", "n1", "n2"));
    CHECK(again.may_remove("edge-2", "n3", ""));
    again.list_seen("d", "Pod", "1");
    CHECK_FALSE(again.may_remove(1, 100));
    CHECK_FALSE(RemovalHold::decode("").has_value());
    CHECK_FALSE(RemovalHold::decode("{}").has_value());
}
