// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/removal_hold.hpp"
#include "tests/support/catch.hpp"

using namespace farhold;
using namespace farhold::views;

TEST_CASE("removal_hold: nothing is held while the cluster is the one we know", "[views]") {
    RemovalHold hold;
    hold.cluster_seen("c", "10");
    CHECK(hold.may_remove(1, 100));
    hold.cluster_seen("c", "10");
    hold.cluster_seen("c", "11");
    CHECK(hold.may_remove("edge-1", "n1", "n1"));
    CHECK(hold.may_remove("edge-1", "", "n1"));
    CHECK(hold.held().empty());
    CHECK_FALSE(hold.confirm(""));
}

TEST_CASE("removal_hold: another cluster or one that went back holds everything", "[views]") {
    RemovalHold other;
    other.cluster_seen("c", "10");
    other.cluster_seen("d", "20");
    CHECK_FALSE(other.may_remove(1, 100));
    CHECK_FALSE(other.may_remove("edge-1", "n1", "n1"));
    RemovalHold back;
    back.cluster_seen("c", "10");
    back.cluster_seen("c", "9");
    CHECK_FALSE(back.may_remove(0, 100));
    CHECK(back.api_epoch() == 1);
    CHECK(back.confirm(""));
    back.cluster_seen("c", "10");
    CHECK(back.may_remove(1, 100));
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

TEST_CASE("removal_hold: the record survives the hub", "[views]") {
    RemovalHold hold;
    hold.cluster_seen("c", "10");
    hold.may_remove("edge-1", "n1", "n2");
    hold.may_remove("edge-2", "n3", "");
    hold.confirm("edge-2");
    RemovalHold again = RemovalHold::decode(hold.encode()).value();
    CHECK(again.encode() == hold.encode());
    CHECK_FALSE(again.may_remove("edge-1", "n1", "n2"));
    CHECK(again.may_remove("edge-2", "n3", ""));
    again.cluster_seen("d", "1");
    CHECK_FALSE(again.may_remove(1, 100));
    CHECK_FALSE(RemovalHold::decode("").has_value());
    CHECK_FALSE(RemovalHold::decode("{}").has_value());
}
