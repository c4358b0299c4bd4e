// SPDX-License-Identifier: Apache-2.0
//
// What a machine's reports about its devices make of DeviceStatuses and Devices.
#include "cloudcore/hub/report_lanes.hpp"
#include "cloudcore/hub/report_writer.hpp"
#include "common/object/metadata.hpp"
#include "common/object/patch.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <string>
#include <variant>

using namespace farhold;
using namespace farhold::hub;
using namespace std::chrono_literals;
using json::Value;

namespace {

const WallTime kNow = std::chrono::sys_days{std::chrono::year{2030} / 1 / 1};
const Instant kStart{1s};

tunnel::Report report(std::string kind, std::string body) {
    return {
        .cls = tunnel::ReportClass::durable,
        .key = std::move(kind) + "/default/lamp",
        .uid = "device-uid",
        .seq = 1,
        .body = std::move(body),
    };
}

WriteDecision decide(
    const tunnel::Report& one, const Value* current, ReportMark mark = {.epoch = 3, .ordinal = 7},
    const std::string& node = "edge-1"
) {
    return decide_device_write(node, ReportTarget::parse(one).value(), one, mark, current, kNow);
}

Value written(const tunnel::Report& one, Value current) {
    const auto decision = decide(one, &current);
    REQUIRE(std::holds_alternative<WriteStatus>(decision));
    object::merge_patch(current, std::get<WriteStatus>(decision).patch);
    return current;
}

// The DeviceStatus that a first report makes.
Value made(const std::string& body) {
    const auto decision = decide(report("DeviceStatus", body), nullptr);
    REQUIRE(std::holds_alternative<CreateObject>(decision));
    Value object = std::get<CreateObject>(decision).object;
    object.ensure_path({"metadata"}).set("uid", Value::of("status-uid"));
    return object;
}

Value device(std::string_view status) {
    Value object = *Value::parse(
        R"({"metadata":{"name":"lamp","namespace":"default","uid":"device-uid"},"spec":{"a":1}})"
    );
    object.set("status", *Value::parse(status));
    return object;
}

}  // namespace

TEST_CASE(
    "device reports: the first one makes the DeviceStatus, which its Device owns", "[devices]"
) {
    const Value object = made(R"({"state":"online"})");
    CHECK(object.text_at({"kind"}) == "DeviceStatus");
    CHECK(object.text_at({"metadata", "name"}) == "lamp");
    CHECK(object.text_at({"metadata", "namespace"}) == "default");
    CHECK(object.text_at({"status", "state"}) == "online");
    CHECK(object::annotation(object, "farhold.io/report") == "3.7");
    const auto owners = object::owner_references(object);
    REQUIRE(owners.size() == 1);
    CHECK(owners[0].kind == "Device");
    CHECK(owners[0].uid == "device-uid");
}

TEST_CASE("device reports: a later one changes what differs, an earlier one nothing", "[devices]") {
    const Value object = made(R"({"state":"online","lastOnlineTime":"x"})");
    const auto again = report("DeviceStatus", R"({"state":"offline","lastOnlineTime":"x"})");
    const auto decision = decide(again, &object, {3, 8});
    REQUIRE(std::holds_alternative<WriteStatus>(decision));
    CHECK(std::get<WriteStatus>(decision).patch.find("status")->dump() == R"({"state":"offline"})");
    CHECK(std::holds_alternative<Superseded>(decide(again, &object, {3, 6})));
    CHECK(std::holds_alternative<Fenced>(decide(again, &object, {2, 9})));
    const auto same = report("DeviceStatus", R"({"state":"online","lastOnlineTime":"x"})");
    CHECK(std::holds_alternative<NothingToDo>(decide(same, &object, {3, 8})));
    CHECK(std::holds_alternative<Refuse>(decide(report("DeviceStatus", "[]"), &object)));
}

TEST_CASE("device reports: a Device that has moved is reported by its new machine", "[devices]") {
    const Value object = made(R"({"state":"online"})");
    const auto moved = report("DeviceStatus", R"({"state":"ok"})");
    CHECK(std::holds_alternative<WriteStatus>(decide(moved, &object, {1, 1}, "edge-2")));
}

TEST_CASE("device reports: what belongs to a Device that is gone gives way", "[devices]") {
    Value object = made(R"({"state":"online"})");
    auto next = report("DeviceStatus", R"({"state":"ok"})");
    next.uid = "another-device-uid";
    const auto decision = decide(next, &object);
    REQUIRE(std::holds_alternative<RemoveObject>(decision));
    CHECK(std::get<RemoveObject>(decision).uid == "status-uid");
    // Nobody's is taken over.
    object.ensure_path({"metadata"}).erase("ownerReferences");
    object.ensure_path({"metadata"}).erase("annotations");
    CHECK(object::owner_references(written(next, object)).at(0).uid == "another-device-uid");
}

TEST_CASE("device reports: the Device's own status keeps what is not the machine's", "[devices]") {
    const auto one = report(
        "DeviceState", R"({"state":"online","conditions":[{"type":"Served","status":"True"}]})"
    );
    const Value object = written(one, device(R"({"reportCycle":5,"state":"x","odd":1})"));
    CHECK(object.integer_at({"status", "reportCycle"}) == 5);
    CHECK(object.text_at({"status", "state"}) == "online");
    CHECK(object.find("spec")->dump() == R"({"a":1})");
    const auto& conditions = object.elements_at({"status", "conditions"});
    REQUIRE(conditions.size() == 1);
    CHECK(conditions[0].text_at({"lastTransitionTime"}) == "2030-01-01T00:00:00Z");
    CHECK(std::holds_alternative<Refuse>(decide(one, nullptr)));
    auto other = one;
    other.uid = "another";
    const Value current = device("{}");
    CHECK(std::holds_alternative<Refuse>(decide(other, &current)));
}

TEST_CASE("device reports: about one device no two writes begin within a second", "[devices]") {
    ReportLanes lanes(kStart);
    lanes.add(report("DeviceStatus", "{}"), kStart);
    lanes.add(report("DeviceState", "{}"), kStart);  // About another object.
    CHECK(lanes.take(kStart).size() == 2);
    CHECK(lanes.settle(1, {}, kStart));
    lanes.add(report("DeviceStatus", "{}"), kStart + 100ms);
    CHECK(lanes.take(kStart + 999ms).empty());
    CHECK(lanes.wake_at() == kStart + 1s);
    CHECK(lanes.take(kStart + 1s).size() == 1);
    // One that waits behind another waits as long.
    lanes.add(report("DeviceStatus", "{}"), kStart + 1s);
    CHECK(lanes.settle(3, {}, kStart + 1100ms));
    CHECK(lanes.take(kStart + 1999ms).empty());
    CHECK(lanes.take(kStart + 2s).size() == 1);
}
