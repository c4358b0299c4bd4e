// SPDX-License-Identifier: Apache-2.0
#include "edgecore/link/link_state.hpp"

#include "common/tunnel/content.hpp"
#include "link_machine.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace farhold;
using namespace farhold::link;
using namespace std::chrono_literals;
using tunnel::GoodbyeReason;
using tunnel::SyncMode;

TEST_CASE("link_state: dials at once and says hello", "[link_state]") {
    Machine machine;
    CHECK(machine.actions<action::Dial>().size() == 1);
    machine.put("k/n/a", "x");
    machine.dialed();
    const auto hello = machine.take<tunnel::Hello>();
    REQUIRE(hello.size() == 1);
    CHECK(hello[0].store_uuid == "s");
    CHECK(hello[0].generation == 2);
    CHECK(hello[0].boot_id == "b");
    CHECK(hello[0].seq_high == 1);
    CHECK(hello[0].objects == 0);
    CHECK(machine.phase() == Phase::hello);
}

TEST_CASE("link_state: in sync needs no inventory and no object", "[link_state]") {
    Machine machine;
    machine.dialed();
    machine.sent.clear();
    machine.welcome(SyncMode::in_sync);
    CHECK(machine.phase() == Phase::live);
    CHECK(machine.take<tunnel::Inventory>().empty());
    CHECK(machine.state.status().epoch == 3);
    CHECK(machine.state.status().last_sync == machine.now().mono);
    // What is missing in this store is not wanted from now on, and that is kept.
    REQUIRE(machine.storing.size() == 1);
    CHECK(machine.storing[0].complete);
    machine.commit();
    CHECK(machine.desired.complete());
    CHECK(machine.actions<action::ProveTime>().size() == 1);
}

TEST_CASE("link_state: resumes by inventory when the digests differ", "[link_state]") {
    Machine machine;
    store::StoreBatch held;
    for (int i = 0; i < 600; ++i) {
        held.upserts.push_back({
            .key = {"ConfigMap", "default", std::to_string(i)},
            .uid = "u",
            .resource_version = "1",
            .hash = std::string(16, 'h'),
            .encoding = 1,
            .content = {},
        });
    }
    machine.desired.apply(held);
    machine.dialed();
    machine.welcome(SyncMode::need_inventory);
    CHECK(machine.phase() == Phase::syncing);
    std::size_t entries = 0;
    const auto frames = machine.take<tunnel::Inventory>();
    for (const auto& frame : frames) {
        entries += frame.entries.size();
        CHECK(frame.last == (&frame == &frames.back()));
    }
    CHECK(entries == 600);
    CHECK(frames.size() == 3);
}

TEST_CASE("link_state: confirms a batch only after it is stored", "[link_state]") {
    Machine machine;
    machine.dialed();
    machine.welcome(SyncMode::need_inventory);
    machine.sent.clear();
    auto first = batch(1, true);
    first.upserts.push_back(upsert("a", "u1", "{}"));
    machine.receive(first);
    machine.receive(batch(2));
    CHECK(machine.take<tunnel::Committed>().empty());
    REQUIRE(machine.storing.size() == 1);  // One after the other.
    CHECK_FALSE(machine.storing[0].complete);
    machine.commit();
    CHECK(machine.take<tunnel::Committed>().at(0).id == 1);
    CHECK(machine.phase() == Phase::syncing);
    CHECK(machine.storing.at(0).complete);
    machine.commit();
    CHECK(machine.take<tunnel::Committed>().at(0).id == 2);
    CHECK(machine.phase() == Phase::live);
    CHECK(machine.desired.complete());
}

TEST_CASE(
    "link_state: a store that fails ends the session, and nothing is confirmed", "[link_state]"
) {
    Machine machine;
    machine.live();
    machine.sent.clear();
    machine.receive(batch(1));
    machine.actions<action::Close>();
    machine.storing.clear();
    machine.feed(event::StoreFailed{Error(ErrorCode::internal, "disk full")});
    CHECK(machine.take<tunnel::Committed>().empty());
    CHECK(machine.actions<action::Close>().at(0).reason == "store: disk full");
    CHECK(machine.phase() == Phase::disconnected);
    machine.advance(1500ms);
    CHECK(machine.phase() == Phase::dialing);
}

TEST_CASE(
    "link_state: does not dial while the store is at work for the last session", "[link_state]"
) {
    Machine machine;
    machine.live();
    auto one = batch(1);
    one.upserts.push_back(upsert("a", "u1", "{}"));
    machine.receive(one);
    machine.feed(event::Closed{"cut"});
    machine.advance(1h);
    CHECK(machine.phase() == Phase::disconnected);
    machine.commit();
    // Its inventory must know what was stored meanwhile.
    CHECK(machine.phase() == Phase::dialing);
    machine.dialed();
    CHECK(machine.take<tunnel::Hello>().at(0).objects == 1);
}

TEST_CASE("link_state: a removal needs the uid that is on the disk", "[link_state]") {
    Machine machine;
    machine.live();
    auto one = batch(1, true);
    one.upserts.push_back(upsert("a", "new", "{}"));
    one.upserts.push_back(upsert("b", "new", "{}"));
    machine.receive(one);
    auto two = batch(2);
    two.removals.push_back({{"ConfigMap", "default", "a"}, "old"});
    two.removals.push_back({{"ConfigMap", "default", "b"}, "new"});
    two.removals.push_back({{"ConfigMap", "default", "c"}, "new"});
    machine.receive(two);
    machine.commit();
    REQUIRE(machine.storing.at(0).removals.size() == 1);
    CHECK(machine.storing[0].removals[0].name == "b");
    machine.commit();
    CHECK(machine.desired.find("ConfigMap", "default", "a") != nullptr);
}

TEST_CASE(
    "link_state: a store that differs from the view after a sync begins anew", "[link_state]"
) {
    Machine machine;
    machine.dialed();
    machine.welcome(SyncMode::need_inventory);
    auto one = batch(1);
    one.upserts.push_back(upsert("a", "u", "{}"));
    one.digest = tunnel::ViewDigest();
    SECTION("right") {
        one.digest->add("ConfigMap/default/a", "u", one.upserts[0].hash, one.upserts[0].encoding);
        machine.receive(one);
        machine.commit();
        CHECK(machine.phase() == Phase::live);
    }
    SECTION("wrong") {
        machine.receive(one);
        machine.commit();
        CHECK(machine.phase() == Phase::disconnected);
        CHECK(machine.state.status().counters.digest_mismatches == 1);
    }
}

TEST_CASE(
    "link_state: reports go up, and leave the outbox once they are acknowledged", "[link_state]"
) {
    Machine machine;
    machine.put("PodStatus/default/a", "1");
    machine.live();
    machine.put("PodStatus/default/b", "2");
    machine.feed(event::Submitted{
        .cls = tunnel::ReportClass::derived, .key = "NodeStatus//n", .uid = "u", .body = "3"
    });
    std::vector<std::string> keys;
    for (const auto& frame : machine.take<tunnel::Reports>()) {
        for (const auto& report : frame.reports) {
            keys.push_back(report.key);
        }
    }
    CHECK(
        keys ==
        std::vector<std::string>{"PodStatus/default/a", "PodStatus/default/b", "NodeStatus//n"}
    );
    machine.actions<action::AckReports>();
    machine.receive(tunnel::ReportsAck{{1, 3}, {{2, "not yours"}}});
    const auto refused = std::exchange(machine.all, {});
    std::vector<std::uint64_t> seqs;
    for (const Action& action : refused) {
        if (const auto* ack = std::get_if<action::AckReports>(&action)) {
            seqs = ack->seqs;
        } else if (const auto* no = std::get_if<action::ReportRefused>(&action)) {
            CHECK(no->key == "PodStatus/default/b");
            CHECK(no->cls == tunnel::ReportClass::durable);
            CHECK(no->reason == "not yours");
            CHECK_FALSE(no->gone);
        }
    }
    CHECK(seqs == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("link_state: reports that were cut off are sent again", "[link_state]") {
    Machine machine;
    machine.put("PodStatus/default/a", "1");
    machine.live();
    CHECK(machine.take<tunnel::Reports>().size() == 1);
    machine.feed(event::Closed{"cut"});
    machine.advance(10s);
    machine.live();
    CHECK(machine.take<tunnel::Reports>().size() == 1);
}

TEST_CASE("link_state: an acknowledgement that cannot be stored ends the session", "[link_state]") {
    Machine machine;
    machine.live();
    machine.feed(event::AcksNotStored{Error(ErrorCode::internal, "disk full")});
    CHECK(machine.phase() == Phase::disconnected);
}

TEST_CASE("link_state: pings every four seconds with the age of the loop's beat", "[link_state]") {
    Machine machine;
    machine.live();
    machine.advance(0s);
    CHECK(machine.take<tunnel::Ping>().size() == 1);  // At once after the welcome.
    machine.advance(4s - 1ns);
    CHECK(machine.take<tunnel::Ping>().empty());
    machine.feed(event::Beat{});
    machine.time += 1ns;
    machine.feed(event::Tick{});
    const auto ping = machine.take<tunnel::Ping>();
    REQUIRE(ping.size() == 1);
    CHECK(ping[0].loop_beat_age == 1ns);
    machine.time += 30ms;
    machine.receive(tunnel::Pong{.id = ping[0].id, .hub_time = WallTime(3h)});
    CHECK(machine.state.status().rtt == 30ms);
    CHECK(machine.actions<action::ProveTime>().back().time == WallTime(3h));
}

TEST_CASE("link_state: pings less often on a line that answers quickly", "[link_state]") {
    Machine machine;
    machine.live();
    machine.advance(0s);
    const auto answer_after = [&](Duration delay) {
        const auto ping = machine.take<tunnel::Ping>();
        REQUIRE(ping.size() == 1);
        machine.advance(delay);
        machine.receive(tunnel::Pong{.id = ping[0].id, .hub_time = {}});
    };
    answer_after(499ms);
    machine.advance(6s - 499ms - 1ns);
    CHECK(machine.take<tunnel::Ping>().empty());
    machine.advance(1ns);
    answer_after(500ms);
    machine.advance(4s - 500ms - 1ns);
    CHECK(machine.take<tunnel::Ping>().empty());
    machine.advance(1ns);
    CHECK(machine.take<tunnel::Ping>().size() == 1);
}

TEST_CASE("link_state: ten seconds of silence end a session, a byte prolongs it", "[link_state]") {
    Machine machine;
    machine.live();
    machine.advance(9s);
    machine.receive(tunnel::Pong{});
    machine.advance(10s - 1ns);
    CHECK(machine.phase() == Phase::live);
    machine.advance(1ns);
    CHECK(machine.phase() == Phase::disconnected);
    CHECK(machine.state.status().trouble == "the hub is silent");
}

TEST_CASE("link_state: a hub that answers but never welcomes is left", "[link_state]") {
    Machine machine;
    machine.dialed();
    for (int i = 0; i < 59; ++i) {
        machine.advance(1s);
        machine.receive(tunnel::Pong{});
    }
    CHECK(machine.phase() == Phase::hello);
    machine.advance(1s);
    CHECK(machine.phase() == Phase::disconnected);
}

namespace {

// How long it waits after that, until it dials again.
Duration wait_after(Machine& machine, const Event& event) {
    machine.feed(event);
    REQUIRE(machine.phase() == Phase::disconnected);
    const Duration wait = *machine.state.wake_at() - machine.now().mono;
    machine.advance(wait);
    REQUIRE(machine.phase() == Phase::dialing);
    return wait;
}

event::DialFailed failed(Reach reach) {
    return {.error = Error(ErrorCode::unavailable, "away"), .reach = reach};
}

// A session in which the hub answers pings for so long.
void live_for(Machine& machine, Duration length) {
    machine.live();
    const Duration end = machine.time + length;
    while (machine.time < end) {
        machine.advance(std::min<Duration>(2s, end - machine.time));
        for (const auto& ping : machine.take<tunnel::Ping>()) {
            machine.receive(tunnel::Pong{.id = ping.id, .hub_time = {}});
        }
    }
}

}  // namespace

TEST_CASE("link_state: leaves a hub that answers and fails alone ever longer", "[link_state]") {
    Machine machine;
    Duration longest{};
    for (int attempt = 0; attempt < 200; ++attempt) {
        const Duration wait = wait_after(machine, failed(Reach::peer));
        if (attempt == 0) {
            CHECK(wait <= 1500ms);
        }
        CHECK(wait <= 60s);
        longest = std::max(longest, wait);
    }
    CHECK(longest > 40s);
    // So a session that ends at once does not make the next attempt a quick one.
    Duration all{};
    for (int session = 0; session < 50; ++session) {
        live_for(machine, 5s);
        all += wait_after(machine, event::Closed{"cut"});
    }
    CHECK(all > 500s);
    // Only a good one does.
    live_for(machine, 61s);
    CHECK(wait_after(machine, event::Closed{"cut"}) <= 1s);
    CHECK(wait_after(machine, failed(Reach::peer)) <= 1500ms);
}

TEST_CASE("link_state: tries a path on which nobody answers all the time", "[link_state]") {
    Machine machine;
    for (int attempt = 0; attempt < 8; ++attempt) wait_after(machine, failed(Reach::peer));
    for (int attempt = 0; attempt < 100; ++attempt) {
        // Not more often than once a second, whatever fails at once.
        CHECK(wait_after(machine, failed(Reach::nobody)) == 1s);
    }
    machine.time += 5s;
    CHECK(wait_after(machine, failed(Reach::nobody)) <= 1s);
    // After a long time less often, yet often enough that a new path is used within 5 s.
    machine.time += 10min;
    for (int attempt = 0; attempt < 100; ++attempt) {
        const Duration wait = wait_after(machine, failed(Reach::nobody));
        CHECK(wait >= 2s);
        CHECK(wait <= 4s);
    }
    // The same for a session whose path falls silent.
    live_for(machine, 5s);
    machine.feed(event::Tick{});
    machine.advance(10s);
    CHECK(machine.state.status().trouble == "the hub is silent");
    machine.advance(1s);
    CHECK(machine.phase() == Phase::dialing);
}

TEST_CASE("link_state: a part of a message is life", "[link_state]") {
    Machine machine;
    machine.live();
    for (int i = 0; i < 20; ++i) {
        machine.advance(8s);
        machine.feed(event::Heard{machine.now().mono - 1s});
    }
    CHECK(machine.phase() == Phase::live);
    machine.advance(8s);
    CHECK(machine.phase() == Phase::live);
    machine.feed(event::Heard{machine.now().mono - 9s});  // No news.
    machine.advance(1s);
    CHECK(machine.phase() == Phase::disconnected);
}

TEST_CASE("link_state: keeps segments small where large ones are lost", "[link_state]") {
    Machine machine;
    const auto dials_small = [&machine] {
        const auto dials = machine.actions<action::Dial>();
        return dials.back().small_segments;
    };
    CHECK_FALSE(dials_small());
    SECTION("an attempt that connects and then stalls") {
        wait_after(machine, failed(Reach::stalled));
        CHECK(dials_small());
        SECTION("and stalls with small ones too: it was something else") {
            wait_after(machine, failed(Reach::stalled));
            CHECK_FALSE(dials_small());
        }
    }
    SECTION("two sessions that fall silent before they are good") {
        for (const bool small : {false, true}) {
            live_for(machine, 5s);
            machine.advance(11s);
            machine.advance(1s);
            CHECK(dials_small() == small);
        }
    }
    SECTION("not a good one that does") {
        for (int i = 0; i < 3; ++i) {
            live_for(machine, 61s);
            machine.advance(11s);
            machine.advance(1s);
            CHECK_FALSE(dials_small());
        }
    }
}

TEST_CASE("link_state: after an hour large segments are tried again", "[link_state]") {
    Machine machine;
    wait_after(machine, failed(Reach::stalled));
    live_for(machine, 59min);
    wait_after(machine, event::Closed{"cut"});
    CHECK(machine.actions<action::Dial>().back().small_segments);
    live_for(machine, 2min);
    wait_after(machine, event::Closed{"cut"});
    CHECK_FALSE(machine.actions<action::Dial>().back().small_segments);
}

TEST_CASE(
    "link_state: a machine that is not welcome comes back slowly and says why", "[link_state]"
) {
    const auto refused_for = [](const Event& event) {
        Machine machine;
        if (!std::holds_alternative<event::DialFailed>(event)) {
            machine.live();
        }
        machine.feed(event);
        CHECK(machine.state.status().refused);
        const Duration wait = *machine.state.wake_at() - machine.now().mono;
        machine.advance(wait);
        CHECK(machine.phase() == Phase::dialing);
        return wait;
    };
    CHECK(refused_for(event::DialFailed{Error(ErrorCode::permission_denied, "revoked")}) >= 30s);
    for (const auto reason :
         {GoodbyeReason::revoked, GoodbyeReason::unknown_node, GoodbyeReason::superseded,
          GoodbyeReason::unsupported_version}) {
        tunnel::FrameWriter writer;
        writer.write(tunnel::Welcome{});
        CHECK(
            refused_for(event::Received{writer.write(tunnel::Goodbye{reason, "no"}).at(0)}) >= 30s
        );
    }
    Machine machine;
    machine.live();
    machine.receive(tunnel::Goodbye{GoodbyeReason::shutting_down, ""});
    CHECK_FALSE(machine.state.status().refused);
    CHECK(*machine.state.wake_at() - machine.now().mono < 5s);
    // Somebody else in place of the hub has no say in it.
    Machine elsewhere;
    elsewhere.feed(event::DialFailed{Error(ErrorCode::unauthenticated, "who?")});
    CHECK_FALSE(elsewhere.state.status().refused);
    CHECK(elsewhere.state.status().trouble == "what answers has not proved to be the hub: who?");
    CHECK(*elsewhere.state.wake_at() - elsewhere.now().mono < 5s);
}

TEST_CASE("link_state: an expired certificate is renewed and nothing else", "[link_state]") {
    Machine machine;
    machine.put("k/n/a", "x");
    machine.dialed();
    machine.sent.clear();
    machine.welcome(SyncMode::renew_only);
    CHECK(machine.phase() == Phase::renewing);
    CHECK(machine.actions<action::RequestRenewal>().size() == 1);
    CHECK(machine.sent.empty());
    machine.feed(event::RenewalDue{"csr"});
    CHECK(machine.take<tunnel::RenewCertificate>().at(0).request_pem == "csr");
    SECTION("issued") {
        machine.receive(tunnel::Certificate{"pem", ""});
        CHECK(machine.actions<action::AdoptCertificate>().at(0).certificate_pem == "pem");
        CHECK(*machine.state.wake_at() - machine.now().mono < 2s);
    }
    SECTION("refused") {
        machine.receive(tunnel::Certificate{"", "too late"});
        CHECK(machine.state.status().refused);
        CHECK(*machine.state.wake_at() - machine.now().mono >= 30s);
    }
    CHECK(machine.phase() == Phase::disconnected);
}

TEST_CASE("link_state: a renewal that was cut off is asked for again", "[link_state]") {
    Machine machine;
    machine.feed(event::RenewalDue{"csr"});
    machine.live();
    CHECK(machine.take<tunnel::RenewCertificate>().size() == 1);
    machine.feed(event::Closed{"cut"});
    machine.advance(10s);
    machine.live();
    CHECK(machine.take<tunnel::RenewCertificate>().size() == 1);
    machine.receive(tunnel::Certificate{"pem", ""});
    CHECK(machine.phase() == Phase::live);
    machine.feed(event::Closed{"cut"});
    machine.advance(10s);
    machine.live();
    CHECK(machine.take<tunnel::RenewCertificate>().empty());
}

TEST_CASE("link_state: what breaks a rule closes the session with a reason", "[link_state]") {
    Machine machine;
    machine.live();
    std::string what;
    SECTION("garbage") {
        machine.feed(event::Received{"garbage"});
        what = "not a frame, or one with too many entries";
    }
    SECTION("a second welcome") {
        machine.welcome(SyncMode::in_sync);
        what = "Welcome in phase live";
    }
    SECTION("a message of machines") {
        machine.receive(tunnel::Committed{1});
        what = "only machines send that";
    }
    SECTION("a batch out of order") {
        machine.receive(batch(2));
        what = "batch 2 after 0";
    }
    SECTION("content that is not what its hash says") {
        auto one = batch(1);
        one.upserts.push_back(upsert("a", "u", "{}"));
        one.upserts[0].hash[0] = static_cast<char>(one.upserts[0].hash[0] + 1);
        machine.receive(one);
        what = "ConfigMap/default/a does not have its hash";
    }
    SECTION("an unknown encoding") {
        auto one = batch(1);
        one.upserts.push_back(upsert("a", "u", "{}"));
        one.upserts[0].encoding = 9;
        machine.receive(one);
        what = "ConfigMap/default/a has unknown encoding 9";
    }
    SECTION("an acknowledgement of nothing") {
        machine.receive(tunnel::ReportsAck{{1}, {}});
        what = "acknowledgement of a report that is not on its way";
    }
    SECTION("a certificate that was not asked for") {
        machine.receive(tunnel::Certificate{"pem", ""});
        what = "Certificate that was not asked for";
    }
    SECTION("what came for the streams") {
        machine.feed(event::StreamsBroken{"stream 3 opened after 1"});
        what = "stream 3 opened after 1";
    }
    SECTION("too many batches") {
        for (std::uint64_t id = 1; id <= tunnel::kBatchWindow; ++id) {
            machine.receive(batch(id));
            REQUIRE(machine.phase() == Phase::live);
        }
        machine.receive(batch(tunnel::kBatchWindow + 1));
        what = "more batches than the window allows";
    }
    CHECK(machine.phase() == Phase::disconnected);
    CHECK(machine.state.status().trouble == "protocol error: " + what);
    CHECK(machine.state.status().counters.protocol_errors == 1);
    CHECK(machine.actions<action::Close>().size() == 1);
}

TEST_CASE("link_state: an event at the wrong moment does no harm", "[link_state]") {
    const std::vector<Event> events = {
        event::Received{"late"},
        event::Closed{"late"},
        event::StreamsBroken{"late"},
        event::Tick{},
        event::Beat{},
        event::OutboxChanged{},
        event::RenewalDue{"csr"},
        event::Forgotten{"k"},
        event::AcksNotStored{Error(ErrorCode::internal, "x")},
        event::Submitted{.cls = tunnel::ReportClass::event, .key = "k", .uid = "u", .body = "b"},
    };
    Random order(3);
    for (int round = 0; round < 50; ++round) {
        Machine machine;
        if (round % 2 == 0) {
            machine.feed(event::DialFailed{Error(ErrorCode::unavailable, "away")});
        }
        for (int i = 0; i < 30; ++i) machine.feed(events[order.between(0, events.size() - 1)]);
        CHECK(machine.sent.empty());
        machine.advance(1h);
        machine.live();
    }
}
