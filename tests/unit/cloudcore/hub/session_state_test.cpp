// SPDX-License-Identifier: Apache-2.0
#include "common/tunnel/content.hpp"
#include "session_machine.hpp"

using namespace farhold;
using namespace farhold::hub;
using namespace farhold::test;
using namespace std::chrono_literals;
using tunnel::SyncMode;
using OutcomeKind = ApplyOutcome::Kind;

TEST_CASE("session_state: a machine in sync is welcomed without any object", "[session_state]") {
    Session session;
    session.hello(session.cluster.view().digest(), 4);
    CHECK(session.actions<action::Admit>().at(0).hello.store_uuid == "s");
    CHECK(session.sent.empty());
    session.feed(event::Admitted{.epoch = 5, .acked_seq = 3});
    const auto welcome = session.take<tunnel::Welcome>();
    REQUIRE(welcome.size() == 1);
    CHECK(welcome[0].mode == SyncMode::in_sync);
    CHECK(welcome[0].epoch == 5);
    CHECK(welcome[0].acked_seq == 3);
    CHECK(welcome[0].cluster_uid == "c");
    CHECK(welcome[0].hub_time == session.now().wall);
    CHECK(session.actions<action::InSync>().size() == 1);
    CHECK(session.state.phase() == Phase::live);
    CHECK(session.state.counters().objects_sent == 0);
}

TEST_CASE("session_state: nobody is welcomed before the view is whole", "[session_state]") {
    Session session;
    session.cluster.is_ready = false;
    session.hello();
    session.feed(event::Admitted{.epoch = 5});
    session.feed(event::ViewChanged{});
    CHECK(session.sent.empty());
    CHECK(session.state.phase() == Phase::view);
    // Heartbeats are answered meanwhile, but vouch for nothing.
    session.receive(tunnel::Ping{});
    CHECK(session.take<tunnel::Pong>().size() == 1);
    CHECK(session.actions<action::RenewLease>().empty());
    session.cluster.is_ready = true;
    session.feed(event::ViewChanged{});
    CHECK(session.take<tunnel::Welcome>().at(0).mode == SyncMode::need_inventory);
}

TEST_CASE("session_state: sends the difference and nothing else", "[session_state]") {
    Session session;
    put(session.cluster.views, config_map("b", "b2", "text"));
    session.hello();
    session.feed(event::Admitted{.epoch = 5});
    session.sent.clear();
    tunnel::Inventory first;
    first.entries.push_back(entry(*session.cluster.view().find({"Node", "", kNode})));
    first.entries.push_back(entry(*session.cluster.view().find({"Pod", "default", "p"})));
    auto stale = entry(*session.cluster.view().find(kA));
    stale.hash[0] = static_cast<char>(stale.hash[0] + 1);
    first.entries.push_back(stale);
    session.receive(first);
    CHECK(session.sent.empty());
    tunnel::Inventory last;
    auto made_anew = entry(*session.cluster.view().find(kB));
    made_anew.uid = "b1";
    last.entries.push_back(made_anew);
    last.entries.push_back({{"Secret", "default", "s"}, "s1", std::string(16, 'h'), 1});
    last.last = true;
    session.receive(last);
    // The machine's b is another one than this hub knows: gone, or this hub is behind.
    CHECK(session.sent.empty());
    const auto confirm = session.actions<action::ConfirmGone>();
    REQUIRE(confirm.size() == 1);
    REQUIRE(confirm[0].objects.size() == 1);
    CHECK(confirm[0].objects[0].key == kB);
    CHECK(confirm[0].objects[0].uid == "b1");
    session.feed(event::AbsenceChecked{event::Absence::all_gone});
    const auto batch = session.take<tunnel::Batch>();
    REQUIRE(batch.size() == 1);
    REQUIRE(batch[0].upserts.size() == 2);
    CHECK(batch[0].upserts[0].key == kA);
    CHECK(batch[0].upserts[1].uid == "b2");
    CHECK(batch[0].removals == std::vector<tunnel::Removal>{{{"Secret", "default", "s"}, "s1"}});
    CHECK_FALSE(batch[0].more);
    CHECK(batch[0].digest == session.cluster.view().digest());
    CHECK(session.cluster.asked_about == "node-uid");
    CHECK(session.state.phase() == Phase::syncing);
    session.receive(tunnel::Committed{1});
    CHECK(session.state.phase() == Phase::live);
    CHECK(session.actions<action::InSync>().size() == 1);
}

TEST_CASE(
    "session_state: a hub that may be behind its cluster removes nothing", "[session_state]"
) {
    for (const auto absence : {event::Absence::behind, event::Absence::unknown}) {
        Session session;
        session.hello();
        session.feed(event::Admitted{.epoch = 5});
        session.sent.clear();
        tunnel::Inventory held;
        held.entries.push_back({{"Pod", "default", "new"}, "uid", std::string(16, 'h'), 1});
        held.last = true;
        session.receive(held);
        CHECK(session.state.phase() == Phase::doubt);
        session.feed(event::ViewChanged{});
        CHECK(session.sent.empty());
        session.feed(event::AbsenceChecked{absence});
        CHECK(session.take<tunnel::Goodbye>().at(0).reason == tunnel::GoodbyeReason::not_ready);
        CHECK(session.state.phase() == Phase::closed);
    }
}

TEST_CASE(
    "session_state: what the hold keeps is not removed, nor expected to be gone", "[session_state]"
) {
    Session session;
    session.cluster.may_remove = false;
    session.hello();
    session.feed(event::Admitted{.epoch = 5});
    session.sent.clear();
    tunnel::Inventory held;
    for (const auto& [key, object] : session.cluster.view().objects()) {
        held.entries.push_back(entry(*object));
    }
    held.entries.push_back({{"Secret", "default", "s"}, "s1", std::string(16, 'h'), 1});
    held.last = true;
    session.receive(held);
    const auto batch = session.take<tunnel::Batch>();
    REQUIRE(batch.size() == 1);
    CHECK(batch[0].upserts.empty());
    CHECK(batch[0].removals.empty());
    CHECK_FALSE(batch[0].digest);
    CHECK(session.actions<action::NodeMadeAnew>().empty());
}

TEST_CASE("session_state: a machine of another Node of its name is told of", "[session_state]") {
    Session session;
    session.hello();
    session.feed(event::Admitted{.epoch = 5});
    tunnel::Inventory held;
    for (const auto& [key, object] : session.cluster.view().objects()) {
        held.entries.push_back(entry(*object));
        if (key.kind == "Node") held.entries.back().uid = "deleted";
    }
    held.last = true;
    session.receive(held);
    session.feed(event::AbsenceChecked{event::Absence::all_gone});
    CHECK(session.actions<action::NodeMadeAnew>().size() == 1);
}

TEST_CASE("session_state: what is not settled is left alone until it is", "[session_state]") {
    Session session;
    // Known by the Pod alone: what it refers to is yet to be read.
    session.cluster.views.upsert(pod_object("q", "q-uid"));
    session.cluster.views.remove(kA, "a1");
    session.cluster.views.upsert(pod_object("waits", "w1"));
    REQUIRE(session.cluster.view().keeps_back_pods());
    const object::ObjectKey waits{"Pod", "default", "waits"};
    session.hello(session.cluster.view().digest());
    session.feed(event::Admitted{.epoch = 5});
    session.sent.clear();
    tunnel::Inventory held;
    held.entries.push_back({waits, "w1", std::string(16, 'h'), 1});
    held.last = true;
    session.receive(held);
    auto batch = session.take<tunnel::Batch>();
    REQUIRE(batch.size() == 1);
    CHECK(batch[0].removals.empty());
    CHECK(batch[0].kept_back);
    CHECK_FALSE(batch[0].digest);
    session.receive(tunnel::Committed{batch[0].id});

    // The machine is told at once, though it was never in the view.
    session.remove(waits, "w1");
    batch = session.take<tunnel::Batch>();
    REQUIRE(batch.size() == 1);
    CHECK(batch[0].removals == std::vector<tunnel::Removal>{{waits, "w1"}});
}

TEST_CASE("session_state: says when nothing is kept back any more", "[session_state]") {
    Session session;
    session.cluster.views.upsert(pod_object("waits", "w1"));
    session.hello(session.cluster.view().digest());
    session.feed(event::Admitted{.epoch = 5});
    session.sent.clear();
    tunnel::Inventory held;
    for (const auto& [key, object] : session.cluster.view().objects()) {
        held.entries.push_back(entry(*object));
    }
    held.last = true;
    session.receive(held);
    auto batch = session.take<tunnel::Batch>();
    REQUIRE(batch.size() == 1);
    CHECK(batch[0].kept_back);
    CHECK(batch[0].digest == session.cluster.view().digest());
    session.receive(tunnel::Committed{batch[0].id});
    session.remove({"Pod", "default", "waits"}, "w1");
    batch = session.take<tunnel::Batch>();
    REQUIRE(batch.size() == 1);
    CHECK_FALSE(batch[0].kept_back);
    CHECK_FALSE(batch[0].more);
}

TEST_CASE("session_state: changes are pushed as they come", "[session_state]") {
    Session session;
    session.live();
    session.change(config_map("a", "a1", "new"));
    auto batch = session.take<tunnel::Batch>();
    REQUIRE(batch.size() == 1);
    CHECK(batch[0].upserts.at(0).key == kA);
    CHECK(batch[0].digest == session.cluster.view().digest());
    session.remove(kA, "a1");
    batch = session.take<tunnel::Batch>();
    REQUIRE(batch.size() == 1);
    CHECK(batch[0].id == 2);
    CHECK(batch[0].removals == std::vector<tunnel::Removal>{{kA, "a1"}});
    // What is nothing to this node says nothing.
    session.feed(event::ViewChanged{});
    CHECK(session.sent.empty());
}

TEST_CASE(
    "session_state: while the window is full changes wait and are coalesced", "[session_state]"
) {
    Session session;
    session.live();
    for (std::size_t i = 0; i < tunnel::kBatchWindow; ++i) {
        session.change(config_map("a", "a1", std::to_string(i)));
    }
    CHECK(session.take<tunnel::Batch>().size() == tunnel::kBatchWindow);
    for (int i = 0; i < 100; ++i) {
        session.change(config_map("a", "a1", "later " + std::to_string(i)));
    }
    CHECK(session.sent.empty());
    session.receive(tunnel::Committed{1});
    const auto batch = session.take<tunnel::Batch>();
    REQUIRE(batch.size() == 1);
    REQUIRE(batch[0].upserts.size() == 1);
    CHECK(batch[0].upserts[0].content->find("later 99") != std::string::npos);
}

TEST_CASE(
    "session_state: the window counts bytes, and one large object travels alone", "[session_state]"
) {
    Session session;
    session.live();
    session.change(config_map("a", "a1", std::string(tunnel::kBatchWindowBytes, 'x')));
    CHECK(session.take<tunnel::Batch>().size() == 1);
    session.change(config_map("b", "b1", "small"));
    CHECK(session.take<tunnel::Batch>().empty());
    session.receive(tunnel::Committed{1});
    CHECK(session.take<tunnel::Batch>().at(0).upserts.at(0).key == kB);
}

TEST_CASE(
    "session_state: a whole view comes in several batches, the last one says so", "[session_state]"
) {
    Session session;
    for (int i = 0; i < 40; ++i) {
        auto pod = pod_object("pod-" + std::to_string(i), "uid-" + std::to_string(i));
        pod.ensure_path({"metadata", "annotations"})
            .set("text", json::Value::of(std::string(10'000, 'x')));
        put(session.cluster.views, pod);
    }
    session.hello();
    session.feed(event::Admitted{.epoch = 5});
    session.receive(tunnel::Inventory{.entries = {}, .last = true});
    std::size_t objects = 0;
    std::uint64_t last_id = 0;
    bool more = true;
    while (more) {
        const auto batches = session.take<tunnel::Batch>();
        REQUIRE_FALSE(batches.empty());
        for (const auto& batch : batches) {
            REQUIRE(more);
            CHECK(batch.id == last_id + 1);
            last_id = batch.id;
            more = batch.more;
            CHECK(batch.digest.has_value() == !more);
            objects += batch.upserts.size();
            session.receive(tunnel::Committed{batch.id});
        }
        REQUIRE((more || session.sent.empty()));
    }
    CHECK(objects == session.cluster.view().objects().size());
    CHECK(session.state.phase() == Phase::live);
}

TEST_CASE("session_state: a report is acknowledged after Kubernetes has it", "[session_state]") {
    Session session;
    session.live();
    session.receive(tunnel::Reports{{durable("PodStatus/default/p", 8), durable("k/n/x", 9)}});
    const auto applies = session.actions<action::Apply>();
    REQUIRE(applies.size() == 2);
    CHECK(applies[0].epoch == 5);
    CHECK(applies[0].ordinal == 1);
    CHECK(session.take<tunnel::ReportsAck>().empty());
    session.feed(event::Applied{1, {OutcomeKind::retry, "away"}});
    CHECK(session.take<tunnel::ReportsAck>().empty());
    session.feed(event::Applied{2, {OutcomeKind::refused, "no"}});
    auto ack = session.take<tunnel::ReportsAck>();
    REQUIRE(ack.size() == 1);
    CHECK(ack[0].refused == std::vector<tunnel::Refusal>{{2, "no"}});
    session.advance(500ms);
    CHECK(session.actions<action::Apply>().size() == 1);
    session.feed(event::Applied{1, {OutcomeKind::written, {}}});
    CHECK(session.take<tunnel::ReportsAck>().at(0).handled == std::vector<std::uint64_t>{1});
    CHECK(session.state.counters().reports_handled == 2);
    CHECK(session.state.counters().reports_refused == 1);
    // What was acknowledged is remembered with the next heartbeat.
    session.receive(tunnel::Ping{});
    CHECK(session.actions<action::RenewLease>().at(0).acked_seq == 9);
}

TEST_CASE("session_state: a hub that finds a newer epoch gives the node up", "[session_state]") {
    Session session;
    session.live();
    SECTION("in an object") {
        session.receive(tunnel::Reports{{durable("PodStatus/default/p", 1)}});
        session.feed(event::Applied{1, {OutcomeKind::fenced, "epoch 6"}});
    }
    SECTION("in the lease") {
        session.receive(tunnel::Ping{});
        session.feed(event::LeaseAnswered{event::LeaseOutcome::lost});
    }
    CHECK(session.take<tunnel::ReportsAck>().empty());
    CHECK(session.state.phase() == Phase::closed);
    CHECK(session.actions<action::Close>().size() == 1);
}

TEST_CASE(
    "session_state: the lease is renewed for fresh heartbeats, every ten seconds", "[session_state]"
) {
    Session session;
    session.live();
    const auto renewals = [&session](Duration age) {
        session.receive(tunnel::Ping{.id = 1, .loop_beat_age = age});
        CHECK(session.take<tunnel::Pong>().size() == 1);
        return session.actions<action::RenewLease>().size();
    };
    CHECK(renewals(10s) == 0);  // Its main loop hangs.
    CHECK(renewals(-1s) == 0);
    CHECK(renewals(10s - 1ns) == 1);
    session.time += 4s;
    CHECK(renewals(0s) == 0);
    session.feed(event::LeaseAnswered{event::LeaseOutcome::renewed});
    session.time += 4s;
    CHECK(renewals(0s) == 0);
    session.time += 2s;
    CHECK(renewals(0s) == 1);
}

TEST_CASE(
    "session_state: a renewal that failed is tried again with the next heartbeat", "[session_state]"
) {
    Session session;
    session.live();
    session.receive(tunnel::Ping{});
    CHECK(session.actions<action::RenewLease>().size() == 1);
    session.receive(tunnel::Ping{});
    CHECK(session.actions<action::RenewLease>().empty());
    session.feed(event::LeaseAnswered{event::LeaseOutcome::failed});
    session.receive(tunnel::Ping{});
    CHECK(session.actions<action::RenewLease>().size() == 1);
}

TEST_CASE("session_state: ten seconds of silence end a session", "[session_state]") {
    Session session;
    session.live();
    session.advance(9s);
    session.receive(tunnel::Ping{});
    session.advance(10s - 1ns);
    CHECK(session.state.phase() == Phase::live);
    session.advance(1ns);
    CHECK(session.state.phase() == Phase::closed);
    CHECK(session.actions<action::Close>().at(0).reason == "the machine is silent");
    CHECK_FALSE(session.state.wake_at());
}

TEST_CASE("session_state: a part of a message is life", "[session_state]") {
    Session session;
    session.live();
    for (int i = 0; i < 5; ++i) {
        session.advance(8s);
        session.feed(event::Heard{session.now().mono - 1s});
    }
    session.advance(9s - 1ns);
    CHECK(session.state.phase() == Phase::live);
    session.feed(event::Heard{session.now().mono - 10s});  // No news.
    session.advance(1ns);
    CHECK(session.state.phase() == Phase::closed);
}

TEST_CASE("session_state: a store that went back in time is noticed", "[session_state]") {
    Session session;
    session.hello({}, 4);
    session.feed(event::Admitted{.epoch = 5, .acked_seq = 9, .store_went_back = true});
    const auto back = session.actions<action::StoreWentBack>();
    REQUIRE(back.size() == 1);
    CHECK(back[0].seq_high == 4);
    CHECK(back[0].acked_seq == 9);
    const auto welcome = session.take<tunnel::Welcome>();
    CHECK(welcome.at(0).acked_seq == 9);
    CHECK(welcome.at(0).store_went_back);
}

TEST_CASE("session_state: an expired certificate may renew and nothing else", "[session_state]") {
    Session session(true);
    session.hello(session.cluster.view().digest());
    CHECK(session.take<tunnel::Welcome>().at(0).mode == SyncMode::renew_only);
    CHECK(session.actions<action::Admit>().empty());
    SECTION("renewal") {
        session.receive(tunnel::RenewCertificate{"csr"});
        CHECK(session.actions<action::SignCertificate>().at(0).request_pem == "csr");
        session.feed(event::CertificateIssued{"pem", ""});
        CHECK(session.take<tunnel::Certificate>().at(0).certificate_pem == "pem");
    }
    SECTION("heartbeats are answered but count for nothing") {
        session.receive(tunnel::Ping{});
        CHECK(session.take<tunnel::Pong>().size() == 1);
        CHECK(session.actions<action::RenewLease>().empty());
    }
    SECTION("no object") {
        session.receive(tunnel::Inventory{.entries = {}, .last = true});
        CHECK(session.state.phase() == Phase::closed);
        CHECK(session.take<tunnel::Batch>().empty());
    }
    SECTION("no report") {
        session.receive(tunnel::Reports{{durable("PodStatus/default/p", 1)}});
        CHECK(session.state.phase() == Phase::closed);
        CHECK(session.actions<action::Apply>().empty());
    }
    SECTION("no change of the view") {
        session.change(config_map("a", "a1", "new"));
        CHECK(session.sent.empty());
    }
}

TEST_CASE("session_state: a closed session does nothing any more", "[session_state]") {
    Session session;
    session.live();
    session.receive(tunnel::Reports{{durable("PodStatus/default/p", 1)}});
    session.feed(event::Dismissed{tunnel::GoodbyeReason::superseded, "newer"});
    CHECK(session.take<tunnel::Goodbye>().at(0).text == "newer");
    session.all.clear();
    session.feed(event::Applied{1, {}});
    session.feed(event::LeaseAnswered{});
    session.feed(event::Tick{});
    session.feed(event::ViewChanged{});
    session.feed(event::Closed{"over"});
    CHECK(session.all.empty());
}
