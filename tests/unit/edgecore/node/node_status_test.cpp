// SPDX-License-Identifier: Apache-2.0
#include "edgecore/node/node_status.hpp"

#include "edgecore/node/machine_facts.hpp"
#include "edgecore/node/node_events.hpp"
#include "tests/support/catch.hpp"

using namespace farhold;
using namespace farhold::node;
using namespace std::chrono_literals;

namespace {

MachineFacts machine() {
    MachineFacts facts;
    facts.hostname = "robot";
    facts.boot_id = "b";
    facts.kernel_version = "6.1.0";
    facts.os_image = "Debian";
    facts.architecture = "arm64";
    facts.cpus = 4;
    facts.memory_bytes = 8LL << 30U;
    facts.memory_available_bytes = 4LL << 30U;
    facts.disk_bytes = 100LL << 30U;
    facts.disk_available_bytes = 50LL << 30U;
    facts.inodes = 1000;
    facts.inodes_available = 900;
    facts.pids_max = 32768;
    facts.pids_used = 200;
    facts.addresses = {"10.0.0.7"};
    return facts;
}

RuntimeFacts runtime() {
    return {
        .reachable = true,
        .ready = true,
        .network_ready = true,
        .name = "containerd",
        .version = "1.6.20",
        .message = {},
    };
}

const json::Value& condition(const json::Value& status, std::string_view type) {
    for (const json::Value& one : status.find("conditions")->array()) {
        if (one.text_at({"type"}) == type) return one;
    }
    FAIL("no condition " << type);
    return status;
}

WallTime at(Duration since) {
    return WallTime(since);
}

}  // namespace

TEST_CASE("node status: looks as a kubelet writes it", "[node]") {
    NodeStatus maker("v1.34.0+farhold.0.1.0");
    const json::Value status = maker.make(
        machine(), runtime(), {}, {{{"localhost/a:1"}, 5}, {{"localhost/b:1"}, 9}}, at(0s)
    );
    CHECK(status.text_at({"capacity", "cpu"}) == "4");
    CHECK(status.text_at({"capacity", "memory"}) == "8388608Ki");
    CHECK(status.text_at({"allocatable", "pods"}) == "110");
    CHECK(status.text_at({"allocatable", "memory"}) == "8286208Ki");
    CHECK(status.text_at({"nodeInfo", "containerRuntimeVersion"}) == "containerd://1.6.20");
    CHECK(status.find("addresses")->array()[0].text_at({"address"}) == "10.0.0.7");
    CHECK(status.find("images")->array()[0].integer_at({"sizeBytes"}) == 9);
    const json::Array& conditions = status.find("conditions")->array();
    REQUIRE(conditions.size() == 5);
    CHECK(conditions[4].text_at({"type"}) == "Ready");
    CHECK(conditions[4].text_at({"reason"}) == "KubeletReady");
}

TEST_CASE("node status: pressure and an absent runtime are told", "[node]") {
    NodeStatus maker("v1");
    MachineFacts facts = machine();
    facts.disk_available_bytes = 9LL << 30U;
    RuntimeFacts down;
    down.message = "container runtime is down: connection refused";
    const json::Value status = maker.make(facts, down, {}, {}, at(0s));
    CHECK(condition(status, "DiskPressure").text_at({"status"}) == "True");
    CHECK(condition(status, "MemoryPressure").text_at({"status"}) == "False");
    CHECK(condition(status, "Ready").text_at({"status"}) == "False");
    CHECK(condition(status, "Ready").text_at({"message"}) == down.message);
}

TEST_CASE("node status: a store that is full or fails is told in its own words", "[node]") {
    NodeStatus maker("v1");
    const json::Value full =
        maker.make(machine(), runtime(), {.full = true, .message = "no room"}, {}, at(0s));
    CHECK(condition(full, "DiskPressure").text_at({"status"}) == "True");
    CHECK(condition(full, "DiskPressure").text_at({"message"}) == "no room");
    CHECK(condition(full, "StoreProblem").text_at({"status"}) == "False");
    CHECK(condition(full, "Ready").text_at({"status"}) == "True");
    const json::Value failing =
        maker.make(machine(), runtime(), {.failing = true, .message = "I/O error"}, {}, at(1s));
    CHECK(condition(failing, "DiskPressure").text_at({"status"}) == "False");
    CHECK(condition(failing, "StoreProblem").text_at({"status"}) == "True");
    CHECK(condition(failing, "StoreProblem").text_at({"message"}) == "I/O error");
}

TEST_CASE("node events: name the machine and the moment", "[node]") {
    const EventReport report = make_event_report(
        "robot", {.reason = "DiskFull", .message = "no room"}, at(std::chrono::hours(1))
    );
    CHECK(report.key.starts_with("Event/default/robot."));
    const json::Value body = json::Value::parse(report.body).value();
    CHECK(body.text_at({"involvedObject", "kind"}) == "Node");
    CHECK(body.text_at({"involvedObject", "name"}) == "robot");
    CHECK(body.text_at({"reason"}) == "DiskFull");
    CHECK(body.text_at({"type"}) == "Warning");
}

TEST_CASE(
    "node status: transition times move only with the status, heartbeats are no difference",
    "[node]"
) {
    NodeStatus maker("v1");
    const json::Value first = maker.make(machine(), runtime(), {}, {}, at(100s));
    const json::Value second = maker.make(machine(), runtime(), {}, {}, at(200s));
    CHECK_FALSE(differs(first, second));
    CHECK(
        condition(second, "Ready").text_at({"lastTransitionTime"}) ==
        condition(first, "Ready").text_at({"lastTransitionTime"})
    );
    CHECK(
        condition(second, "Ready").text_at({"lastHeartbeatTime"}) !=
        condition(first, "Ready").text_at({"lastHeartbeatTime"})
    );
    RuntimeFacts away = runtime();
    away.network_ready = false;
    const json::Value third = maker.make(machine(), away, {}, {}, at(300s));
    CHECK(differs(second, third));
    CHECK(condition(third, "Ready").text_at({"lastTransitionTime"}) == "1970-01-01T00:05:00Z");
}

TEST_CASE("machine facts: this machine has processors, memory and a boot id", "[node]") {
    const MachineFacts facts = read_machine_facts("/");
    CHECK(facts.cpus > 0);
    CHECK(facts.memory_bytes > facts.memory_available_bytes);
    CHECK(facts.disk_bytes > 0);
    CHECK_FALSE(facts.boot_id.empty());
    CHECK_FALSE(facts.hostname.empty());
}
