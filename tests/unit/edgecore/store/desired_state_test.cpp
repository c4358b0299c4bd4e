// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/desired_state.hpp"

#include "store_rows.hpp"
#include "tests/support/catch.hpp"

using namespace farhold;
using namespace farhold::store;
using object::ObjectKey;
using test::desired_row;

namespace {

StoreBatch upsert(DesiredRow row) {
    StoreBatch batch;
    batch.upserts.push_back(std::move(row));
    return batch;
}

}  // namespace

TEST_CASE("desired_state: tells which objects are other ones after a commit", "[store]") {
    DesiredState state;
    const ObjectKey key{"Pod", "default", "a"};
    CHECK(state.apply(upsert(desired_row("a", "u1"))) == std::vector<ObjectKey>{key});
    DesiredRow renumbered = desired_row("a", "u1");
    renumbered.resource_version = "9";
    CHECK(state.apply(upsert(renumbered)).empty());
    CHECK(state.find(key)->resource_version == "9");
    CHECK(state.apply(upsert(desired_row("a", "u2"))).size() == 1);
    CHECK(state.apply(upsert(desired_row("a", "u2", "[1]"))).size() == 1);
    StoreBatch removal;
    removal.removals.push_back(key);
    CHECK(state.apply(removal) == std::vector<ObjectKey>{key});
    CHECK(state.apply(removal).empty());
    CHECK(state.size() == 0);
}

TEST_CASE(
    "desired_state: an object that is removed and put back in one batch is there", "[store]"
) {
    DesiredState state;
    state.apply(upsert(desired_row("a", "u1")));
    StoreBatch batch = upsert(desired_row("a", "u2"));
    batch.removals.push_back(ObjectKey{"Pod", "default", "a"});
    state.apply(batch);
    CHECK(state.find(ObjectKey{"Pod", "default", "a"})->uid == "u2");
}

TEST_CASE("desired_state: the digest depends on the content and not on the way to it", "[store]") {
    DesiredState one;
    one.apply(upsert(desired_row("a", "u1")));
    one.apply(upsert(desired_row("b", "u2", "[1]")));
    one.apply(upsert(desired_row("b", "u3", "[2]")));
    std::vector<DesiredRow> rows{desired_row("b", "u3", "[2]"), desired_row("a", "u1")};
    const DesiredState two(std::move(rows), true);
    CHECK(one.digest() == two.digest());
    CHECK_FALSE(one.digest() == DesiredState().digest());
    StoreBatch removal;
    removal.removals = {ObjectKey{"Pod", "default", "a"}, ObjectKey{"Pod", "default", "b"}};
    one.apply(removal);
    CHECK(one.digest() == DesiredState().digest());
}

TEST_CASE("desired_state: lists the objects of one kind in order", "[store]") {
    DesiredState state;
    DesiredRow node = desired_row("a", "n");
    node.key = ObjectKey{"Node", "", "a"};
    for (const DesiredRow& row : {desired_row("b", "u1"), node, desired_row("a", "u2")}) {
        state.apply(upsert(row));
    }
    const auto pods = state.of_kind("Pod");
    REQUIRE(pods.size() == 2);
    CHECK(pods[0]->key.name == "a");
    CHECK(state.all().size() == 3);
    CHECK(state.of_kind("Po").empty());
}

TEST_CASE("desired_state: once complete it stays so", "[store]") {
    DesiredState state;
    CHECK_FALSE(state.complete());
    StoreBatch whole;
    whole.complete = true;
    state.apply(whole);
    state.apply(upsert(desired_row("a", "u1")));
    CHECK(state.complete());
}
