// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/machine_memory.hpp"

#include "cloudcore/hub/machine_news.hpp"
#include "common/object/time_text.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace farhold;
using namespace farhold::hub;
using namespace std::chrono_literals;
using json::Value;

namespace {

// A Lease and the hub that reads and writes it.
struct Node {
    Judgement hello(tunnel::Hello hello, Duration connection_age = 0s) {
        const WallTime now(time);
        const Judgement judgement = judge(
            MachineMemory::read(lease),
            {.hello = hello, .opened = now - connection_age, .now = now, .epoch_floor = 0}
        );
        judgement.next.write(lease);
        return judgement;
    }
    void heartbeat() {
        lease.ensure_path({"spec"}).set(
            "renewTime", Value::of(object::format_micro_time(WallTime(time)))
        );
    }
    void acknowledged(std::uint64_t seq) {
        MachineMemory memory = MachineMemory::read(lease);
        memory.acked_seq = seq;
        memory.write(lease);
    }

    Duration time = 1000h;
    Value lease = Value::make_object();
};

tunnel::Hello process(std::string name, std::uint64_t generation, std::uint64_t seq_high = 0) {
    tunnel::Hello hello;
    hello.store_uuid = "store";
    hello.process = std::move(name);
    hello.generation = generation;
    hello.seq_high = seq_high;
    return hello;
}

bool is_quiet(const Judgement& judgement, const tunnel::Hello& hello) {
    return judgement.verdict == Verdict::admitted && !judgement.went_back &&
           news_of(judgement, hello).empty();
}

}  // namespace

TEST_CASE("machine_memory: a number that no report can have is none", "[machine_memory]") {
    Node node;
    node.hello(process("a", 1));
    node.acknowledged(tunnel::kSeqMax);
    CHECK(MachineMemory::read(node.lease).acked_seq == tunnel::kSeqMax);
    node.acknowledged(tunnel::kSeqMax + 1);
    CHECK(MachineMemory::read(node.lease).acked_seq == 0);
}

TEST_CASE("machine_memory: reconnects, restarts and reboots are no news", "[machine_memory]") {
    Node node;
    CHECK(is_quiet(node.hello(process("a", 1)), process("a", 1)));
    node.acknowledged(7);
    node.time += 3s;
    CHECK(is_quiet(node.hello(process("a", 1, 7)), process("a", 1, 7)));  // The link was lost.
    node.time += 1s;
    CHECK(is_quiet(node.hello(process("b", 2, 7)), process("b", 2, 7)));  // Restarted at once.
    node.time += 1h;
    CHECK(is_quiet(node.hello(process("c", 9, 9)), process("c", 9, 9)));  // Often, offline.
    const MachineMemory memory = MachineMemory::read(node.lease);
    CHECK(memory.epoch == 4);
    CHECK(memory.acked_seq == 7);
    CHECK(memory.generation == 9);
    CHECK(memory.holder == "c");
    CHECK(memory.processes == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("machine_memory: epochs only rise, also above what objects show", "[machine_memory]") {
    const tunnel::Hello hello = process("a", 1);
    const Claim claim{.hello = hello, .opened = {}, .now = {}, .epoch_floor = 40};
    CHECK(judge({}, claim).next.epoch == 40);
    CHECK(judge({.epoch = 50}, claim).next.epoch == 51);
}

TEST_CASE("machine_memory: an older store is recognised by its numbers", "[machine_memory]") {
    Node node;
    node.hello(process("a", 5, 20));
    node.acknowledged(20);
    node.time += 1h;
    SECTION("of reports") {
        const Judgement back = node.hello(process("b", 6, 12));
        CHECK(back.went_back);
        const auto news = news_of(back, process("b", 6, 12));
        REQUIRE(news.size() == 1);
        CHECK(news[0].kind == MachineNews::Kind::store_went_back);
        CHECK(news[0].count == 8);
    }
    SECTION("of starts, when no report tells") {
        const std::uint64_t generation = GENERATE(as<std::uint64_t>{}, 4, 5);
        CHECK(node.hello(process("b", generation, 20)).went_back_is_news);
        // Told until the machine has heard it, and once to people.
        const Judgement again = node.hello(process("b", generation, 20));
        CHECK(again.went_back);
        CHECK_FALSE(again.went_back_is_news);
        // Its next start is an ordinary one.
        CHECK(
            is_quiet(node.hello(process("c", generation + 1, 20)), process("c", generation + 1, 20))
        );
    }
    SECTION("and a disk that cannot be written says nothing about it") {
        CHECK_FALSE(node.hello(process("b", 0, 20)).went_back);
    }
    SECTION("and another store is a new beginning") {
        tunnel::Hello other = process("b", 1);
        other.store_uuid = "other";
        const Judgement fresh = node.hello(other);
        CHECK(is_quiet(fresh, other));
        CHECK(fresh.next.acked_seq == 0);
    }
}

TEST_CASE("machine_memory: lost reports are told once", "[machine_memory]") {
    Node node;
    tunnel::Hello hello = process("a", 1);
    hello.reports_lost = 2;
    CHECK(node.hello(hello).reports_lost == 2);
    CHECK(node.hello(hello).reports_lost == 0);
    hello = process("b", 2);
    hello.reports_lost = 5;
    const Judgement judgement = node.hello(hello);
    CHECK(judgement.reports_lost == 3);
    CHECK(news_of(judgement, hello).at(0).kind == MachineNews::Kind::reports_lost);
}

TEST_CASE(
    "machine_memory: of two machines that live the later one is refused", "[machine_memory]"
) {
    // Copied while the first ran, copied while it stood, copied long ago.
    const std::uint64_t generation = GENERATE(as<std::uint64_t>{}, 6, 5, 2);
    Node node;
    node.hello(process("first", 5));
    node.time += 60s;
    // It may be the same machine, started again.
    CHECK(node.hello(process("clone", generation)).admitted());
    node.time += 20s;
    // A connection from before the clone came proves nothing.
    const Judgement stale = node.hello(process("first", 5), 21s);
    CHECK(stale.verdict == Verdict::overtaken);
    CHECK_FALSE(stale.clone_is_news);
    const Judgement back = node.hello(process("first", 5));
    CHECK(back.verdict == Verdict::takes_back);
    CHECK_FALSE(back.went_back);
    CHECK(news_of(back, process("first", 5)).at(0).kind == MachineNews::Kind::cloned);
    for (int i = 0; i < 3; ++i) {
        node.time += 20s;
        CHECK(node.hello(process("first", 5)).verdict == Verdict::admitted);
        const Judgement refused = node.hello(process("clone", generation));
        CHECK(refused.verdict == Verdict::cloned);
        CHECK_FALSE(refused.clone_is_news);
        CHECK(MachineMemory::read(node.lease).holder == "first");
        node.heartbeat();
    }
}

TEST_CASE("machine_memory: a clone gets the node when the first has gone", "[machine_memory]") {
    Node node;
    node.hello(process("first", 5));
    node.hello(process("clone", 6));
    node.time += 1s;
    CHECK(node.hello(process("first", 5)).verdict == Verdict::takes_back);
    node.time += 20s;
    CHECK(node.hello(process("clone", 6)).verdict == Verdict::cloned);
    node.time += kHolderSilence;
    CHECK(node.hello(process("clone", 6)).verdict == Verdict::admitted);
    // Now it is the first one that comes later.
    node.time += 10s;
    const Judgement late = node.hello(process("first", 5));
    CHECK(late.verdict == Verdict::cloned);
    CHECK(late.clone_is_news);
}

TEST_CASE("machine_memory: the memory is bounded", "[machine_memory]") {
    Node node;
    for (std::uint64_t i = 1; i < 50; ++i) {
        node.hello(process("p" + std::to_string(i), i));
    }
    const MachineMemory memory = MachineMemory::read(node.lease);
    CHECK(memory.processes.size() == kProcessesMax);
    CHECK(memory.processes.back() == memory.holder);
}
