// SPDX-License-Identifier: Apache-2.0
//
// The link and a store that went back in time, or that has no room.
#include "edgecore/link/link_state.hpp"
#include "link_machine.hpp"
#include "tests/support/catch.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace farhold;
using namespace farhold::link;
using namespace std::chrono_literals;
using tunnel::GoodbyeReason;
using tunnel::SyncMode;

TEST_CASE("link_state: what a hub keeps back may be missing in the store", "[link_state]") {
    Machine machine;
    machine.dialed();
    machine.welcome(SyncMode::need_inventory);
    auto one = batch(1);
    one.kept_back = true;
    machine.receive(one);
    machine.commit();
    CHECK(machine.phase() == Phase::live);
    CHECK_FALSE(machine.desired.complete());
    machine.receive(batch(2));
    machine.commit();
    CHECK(machine.desired.complete());
}

TEST_CASE(
    "link_state: a store put back to an older state numbers above what the hub knows",
    "[link_state]"
) {
    Machine machine;
    machine.put("k/n/a", "x");
    machine.dialed();
    machine.welcome(SyncMode::in_sync, 40);
    CHECK(machine.actions<action::RaiseSequence>().at(0).seq_high == 40);
}

TEST_CASE("link_state: a store that went back sends nothing of its past", "[link_state]") {
    Machine machine;
    machine.put("k/n/old", "past");
    machine.put("k/n/older", "past");
    machine.meta.seq_at_start = machine.outbox.seq_high();
    machine.put("k/n/new", "this process has seen it");
    machine.dialed();
    machine.welcome(SyncMode::in_sync, 40, true);
    CHECK(machine.state.status().store_went_back);
    CHECK(machine.actions<action::AckReports>().at(0).seqs == std::vector<std::uint64_t>{1, 2});
    CHECK(machine.state.status().counters.reports_stale == 2);
    const auto sent = machine.take<tunnel::Reports>();
    REQUIRE(sent.size() == 1);
    REQUIRE(sent[0].reports.size() == 1);
    CHECK(sent[0].reports[0].key == "k/n/new");
}

TEST_CASE("link_state: a full disk keeps a batch waiting and the session alive", "[link_state]") {
    Machine machine;
    machine.live();
    tunnel::Batch grows = batch(1);
    grows.upserts.push_back(upsert("a", "1", "text"));
    machine.receive(grows);
    machine.sent.clear();
    const auto refuse = [&] {
        REQUIRE(machine.storing.size() == 1);
        machine.storing.clear();
        machine.feed(event::StoreFailed{Error(ErrorCode::resource_exhausted, "full")});
    };
    refuse();
    CHECK(machine.phase() == Phase::live);
    CHECK(machine.storing.empty());
    // Again and again, at growing distances.
    int tries = 0;
    const Duration until = machine.time + 300s;
    while (machine.time < until) {
        machine.receive(tunnel::Pong{});
        machine.advance(1s);
        if (!machine.storing.empty()) {
            ++tries;
            refuse();
        }
    }
    CHECK(tries >= 10);
    CHECK(tries <= 16);
    CHECK(machine.take<tunnel::Committed>().empty());
    while (machine.storing.empty()) {
        machine.receive(tunnel::Pong{});
        machine.advance(1s);
    }
    machine.commit();
    CHECK(machine.take<tunnel::Committed>().size() == 1);
}

TEST_CASE("link_state: on a full disk deletions overtake what cannot be stored", "[link_state]") {
    Machine machine;
    machine.live();
    tunnel::Batch first = batch(1);
    first.upserts = {upsert("a", "1", "text"), upsert("b", "2", "text"), upsert("c", "3", "text")};
    machine.receive(first);
    machine.commit();
    tunnel::Batch grows = batch(2);
    grows.upserts = {upsert("a", "1", "longer"), upsert("new", "9", "text")};
    machine.receive(grows);
    machine.storing.clear();
    machine.feed(event::StoreFailed{Error(ErrorCode::resource_exhausted, "full")});
    CHECK(machine.storing.empty());

    tunnel::Batch deletes = batch(3);
    deletes.removals = {{{"ConfigMap", "default", "a"}, "1"}, {{"ConfigMap", "default", "b"}, "x"}};
    deletes.upserts = {upsert("c", "3", R"({"metadata":{"deletionTimestamp":"now"}})")};
    machine.receive(deletes);
    REQUIRE(machine.storing.size() == 1);
    CHECK(machine.storing[0].removals.size() == 1);
    CHECK(machine.storing[0].upserts.size() == 1);
    machine.commit();
    CHECK(machine.desired.find("ConfigMap", "default", "a") == nullptr);
    CHECK(machine.desired.find("ConfigMap", "default", "b") != nullptr);
    machine.sent.clear();
    // Nothing more until there is room; then what was deleted does not come back.
    machine.receive(tunnel::Pong{});
    CHECK(machine.storing.empty());
    machine.advance(2s);
    REQUIRE(machine.storing.size() == 1);
    CHECK(machine.storing[0].upserts.size() == 1);
    machine.commit();
    machine.commit();
    CHECK(machine.desired.find("ConfigMap", "default", "a") == nullptr);
    CHECK(machine.desired.find("ConfigMap", "default", "new") != nullptr);
    CHECK(machine.take<tunnel::Committed>().size() == 2);
}

TEST_CASE("link_state: a disk without room for deletions is not asked in a loop", "[link_state]") {
    Machine machine;
    machine.live();
    tunnel::Batch first = batch(1);
    first.upserts = {upsert("a", "1", "text")};
    machine.receive(first);
    machine.commit();
    tunnel::Batch grows = batch(2);
    grows.upserts = {upsert("new", "9", "text")};
    machine.receive(grows);
    tunnel::Batch deletes = batch(3);
    deletes.removals = {{{"ConfigMap", "default", "a"}, "1"}};
    machine.receive(deletes);
    for (int i = 0; i < 2; ++i) {  // The batch, then the deletion.
        REQUIRE(machine.storing.size() == 1);
        machine.storing.clear();
        machine.feed(event::StoreFailed{Error(ErrorCode::resource_exhausted, "full")});
    }
    CHECK(machine.storing.empty());
    machine.feed(event::OutboxChanged{});
    CHECK(machine.storing.empty());
}

TEST_CASE("link_state: a store that was confirmed by no hub yet is so once", "[link_state]") {
    Machine machine;
    machine.desired = store::DesiredState({}, true);
    machine.dialed();
    machine.welcome(SyncMode::in_sync);
    REQUIRE(machine.storing.size() == 1);
    CHECK(machine.storing[0].complete);
    machine.commit();
    CHECK(machine.desired.confirmed());
    machine.feed(event::Closed{"cut"});
    machine.advance(10s);
    machine.dialed();
    machine.welcome(SyncMode::in_sync);
    CHECK(machine.storing.empty());
}
