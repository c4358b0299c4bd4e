// SPDX-License-Identifier: Apache-2.0
#include "edgecore/twin/payloads.hpp"

#include "edgecore/twin/topics.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace farhold;
using namespace farhold::twin;

namespace {

const Base kBase{.event_id = "e-1", .at_ms = 1'700'000'000'123};

std::string reason(std::string_view payload) {
    const auto update = read_twin_update(payload);
    if (update) return "";
    CHECK(update.error().code == Code::bad_request);
    return update.error().reason;
}

PropertyView property() {
    return {
        .expected = ValueView{"on", 5},
        .actual = ValueView{"off", 7},
        .optional = true,
        .type = "string",
    };
}

}  // namespace

TEST_CASE("topics: those that ask something are read, others are not ours", "[twin]") {
    using Kind = Topic::Kind;
    const auto update = parse_topic("$hw/events/device/default/lamp/twin/update");
    REQUIRE(update);
    CHECK(update->kind == Kind::twin_update);
    CHECK(update->device == "default/lamp");
    CHECK(result_topic(*update) == "$hw/events/device/default/lamp/twin/update/result");
    CHECK(parse_topic("$hw/events/device/a/b/twin/get")->kind == Kind::twin_get);
    CHECK(parse_topic("$hw/events/device/a/b/state/update")->kind == Kind::state_update);
    CHECK(parse_topic("$hw/events/device/a/b/state/get")->kind == Kind::state_get);
    const auto members = parse_topic("$hw/events/node/edge-1/membership/get");
    REQUIRE(members);
    CHECK(members->kind == Kind::membership_get);
    CHECK(result_topic(*members) == "$hw/events/node/edge-1/membership/get/result");
    CHECK(parse_topic("$hw/events/node/edge-1/membership/detail")->kind == Kind::membership_detail);
    for (const char* other : {
             "$hw/events/device/a/twin/update",
             "$hw/events/device/a/b/c/twin/update",
             "$hw/events/device//b/twin/update",
             "$hw/events/device/a/b/twin/update/result",
             "$hw/events/device/a/b/twin/cloud_updated",
             "$hw/events/device/a/+/twin/update",
             "$hw/events/device/a/b#/twin/update",
             "$hw/events/node/a/b/membership/get",
             "$hw/events/upload/x",
             "device/a/b/twin/update",
             "",
         }) {
        INFO(other);
        CHECK_FALSE(parse_topic(other));
    }
}

TEST_CASE("payloads: an update is read as KubeEdge's mappers write it", "[twin]") {
    const auto update = read_twin_update(
        R"({"event_id":"x","timestamp":12,"twin":{"power":{"expected":{"value":"on","metadata":{
            "timestamp":3}},"actual":{"value":"off"},"optional":false,"metadata":{"type":"string"}},
            "gone":null},"more":[1]})"
    );
    REQUIRE(update);
    CHECK(update->event_id == "x");
    CHECK(update->sent_ms == 12);
    REQUIRE(update->properties.size() == 2);
    const PropertyUpdate& power = update->properties.at("power");
    CHECK(power.expected == "on");
    CHECK(power.actual == "off");
    CHECK(power.optional == false);
    CHECK(power.type == "string");
    CHECK(update->properties.at("gone").remove);
}

TEST_CASE("payloads: what is wrong with an update is named", "[twin]") {
    CHECK(reason("{").starts_with("the message is no JSON"));
    CHECK(reason("[]") == "the message is not an object");
    CHECK(reason("{}") == "twin is missing or not an object");
    CHECK(reason(R"({"twin":null})") == "twin is missing or not an object");
    CHECK(reason(R"({"event_id":7,"twin":{}})") == "event_id is not a string");
    CHECK(reason(R"({"timestamp":"7","twin":{}})") == "timestamp is not a whole number");
    CHECK(reason(R"({"timestamp":1.5,"twin":{}})") == "timestamp is not a whole number");
    CHECK(reason(R"({"timestamp":1e309,"twin":{}})") != "");
    CHECK(reason(R"({"twin":{"p":7}})") == "twin.p: is not an object");
    CHECK(reason(R"({"twin":{"p":{"actual":"7"}}})") == "twin.p: actual is not an object");
    CHECK(reason(R"({"twin":{"p":{"actual":{}}}})") == "twin.p: actual.value is missing");
    CHECK(
        reason(R"({"twin":{"p":{"actual":{"value":7}}}})") == "twin.p: actual.value is not a string"
    );
    CHECK(reason(R"({"twin":{"p":{"expected":{"value":"a b"}}}})").starts_with("twin.p: expected"));
    CHECK(
        reason(R"({"twin":{"p":{"metadata":{"type":"odd"}}}})") ==
        "twin.p: metadata.type is not known"
    );
    CHECK(
        reason(R"({"twin":{"a b":{"actual":{"value":"1"}}}})").starts_with("the name of a property")
    );
    CHECK(reason("{\"twin\":{\"p\":{\"actual\":{\"value\":\"\xff\"}}}}") != "");
    CHECK(reason(std::string(1000, '[')) != "");
    // The event is known as soon as it could be read.
    CHECK(read_twin_update(R"({"event_id":"x","twin":7})").error().event_id == "x");
}

TEST_CASE("payloads: messages are written byte for byte as KubeEdge does", "[twin]") {
    CHECK(
        error_payload(kBase, Code::not_found, "no \"such\" <device>") ==
        R"({"event_id":"e-1","timestamp":1700000000123,"code":404,)"
        R"("reason":"no \"such\" \u003cdevice\u003e"})"
    );
    const TwinView twin{{"b", property()}, {"a", std::nullopt}};
    CHECK(
        twin_payload(kBase, twin) ==
        R"({"event_id":"e-1","timestamp":1700000000123,"twin":{"a":null,"b":{"expected":{"value":)"
        R"("on","metadata":{"timestamp":5}},"actual":{"value":"off","metadata":{"timestamp":7}},)"
        R"("optional":true,"metadata":{"type":"string"}}}})"
    );
    CHECK(
        delta_payload(kBase, {}, {{"b", "on"}}) ==
        R"({"event_id":"e-1","timestamp":1700000000123,"twin":{},"delta":{"b":"on"}})"
    );
    Document document;
    document["b"] = DocumentEntry{.last = std::nullopt, .current = PropertyView{.type = ""}};
    CHECK(
        document_payload(kBase, document) ==
        R"({"event_id":"e-1","timestamp":1700000000123,"twin":{"b":{"last":null,"current":)"
        R"({"metadata":{}}}}})"
    );
    CHECK(
        state_payload(kBase, "lamp", "online", "") ==
        R"({"event_id":"e-1","timestamp":1700000000123,"device":{"name":"lamp","state":"online"}})"
    );
    MemberView member;
    member.id = "default/lamp";
    member.name = "lamp";
    CHECK(
        membership_payload(kBase, {member}, {}) ==
        R"({"event_id":"e-1","timestamp":1700000000123,"added_devices":[{"id":"default/lamp",)"
        R"("name":"lamp"}],"removed_devices":null})"
    );
    CHECK(
        members_payload(kBase, {}) == R"({"event_id":"e-1","timestamp":1700000000123,"devices":[]})"
    );
    CHECK(
        attributes_payload(kBase, {{"floor", "2"}, {"room", std::nullopt}}) ==
        R"({"event_id":"e-1","timestamp":1700000000123,"attributes":{"floor":{"value":"2",)"
        R"("optional":true,"metadata":{"type":"string"}},"room":null}})"
    );
}
