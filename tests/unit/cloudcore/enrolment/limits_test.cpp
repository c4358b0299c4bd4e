// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/attempt_limiter.hpp"
#include "cloudcore/enrolment/enrol_request.hpp"
#include "cloudcore/enrolment/renewal_quota.hpp"
#include "common/object/metadata.hpp"
#include "common/object/patch.hpp"
#include "common/tunnel/content.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <string>

using namespace farhold;
using namespace farhold::enrolment;
using namespace std::chrono_literals;

namespace {

json::Value good_request() {
    json::Value body = json::Value::make_object();
    body.set("token", json::Value::of(pki::to_text(pki::make_join_token(std::string(64, 'a')))));
    body.set("node", json::Value::of("edge-1"));
    body.set("architecture", json::Value::of("arm64"));
    body.set("labels", json::Value::make_object({{"example.com/site", json::Value::of("north")}}));
    body.set(
        "taints", json::Value::parse(R"([{"key":"a","value":"b","effect":"NoExecute"},
            {"key":"c","effect":"NoSchedule"}])")
                      .value()
    );
    body.set("certificateRequest", json::Value::of("PEM"));
    return body;
}

}  // namespace

TEST_CASE(
    "attempt_limiter: five failures a minute shut an address out for a while", "[enrolment]"
) {
    AttemptLimiter limiter;
    const Instant start{1h};
    for (int attempt = 0; attempt < 5; ++attempt) {
        CHECK(limiter.allows("192.0.2.1", start));
        limiter.failed("192.0.2.1", start);
    }
    CHECK_FALSE(limiter.allows("192.0.2.1", start + 59s));
    CHECK(limiter.allows("192.0.2.2", start + 59s));
    CHECK(limiter.allows("192.0.2.1", start + 60s));
}

TEST_CASE("attempt_limiter: many addresses together are bound as well", "[enrolment]") {
    AttemptLimiter limiter;
    const Instant start{1h};
    for (int attempt = 0; attempt < 50; ++attempt) {
        limiter.failed("192.0.2." + std::to_string(attempt), start);
    }
    CHECK_FALSE(limiter.allows("198.51.100.1", start + 1s));
    CHECK(limiter.allows("198.51.100.1", start + 60s));
}

TEST_CASE("renewal_quota: ten a day for each machine", "[enrolment]") {
    RenewalQuota quota;
    const Instant start{1h};
    for (int renewal = 0; renewal < 10; ++renewal) {
        CHECK(quota.take("edge-1", start));
    }
    CHECK_FALSE(quota.take("edge-1", start + 23h));
    CHECK(quota.take("edge-2", start + 23h));
    CHECK(quota.take("edge-1", start + 24h));
}

TEST_CASE("enrol_request: reads what a machine sends", "[enrolment]") {
    const auto request = parse_enrol_request(good_request().dump());
    REQUIRE(request.has_value());
    CHECK(request->node == "edge-1");
    CHECK(request->request_pem == "PEM");
    const auto node = make_node(*request, "edge-1", "key");
    CHECK(object::label(node, "kubernetes.io/arch") == "arm64");
    CHECK(object::label(node, "example.com/site") == "north");
    CHECK(object::annotation(node, tunnel::kMachineKeyAnnotation) == "key");
    CHECK(object::label(node, kZoneLabel) == "farhold-machines");
    CHECK(
        node.elements_at({"spec", "taints"}) ==
        json::Value::parse(R"([{"key":"a","value":"b","effect":"NoExecute"},
            {"key":"c","effect":"NoSchedule"}])")
            ->array()
    );
}

TEST_CASE("enrol_request: refuses other forms without repeating the token", "[enrolment]") {
    const std::string secret = std::string(good_request().text_at({"token"})).substr(0, 60);
    auto no_token = good_request();
    no_token.erase("token");
    auto bad_token = good_request();
    bad_token.set("token", json::Value::of(secret));
    auto bad_machine = good_request();
    bad_machine.set("architecture", json::Value::of("mips"));
    for (const auto& body :
         {std::string("[]"), std::string("{"), no_token.dump(), bad_token.dump(), bad_machine.dump()
         }) {
        const auto request = parse_enrol_request(body);
        REQUIRE_FALSE(request.has_value());
        CHECK(request.error().code() == ErrorCode::invalid_argument);
        CHECK(request.error().message().find(secret) == std::string::npos);
    }
}

TEST_CASE(
    "enrol_request: a zone is the machine's, else the Node's, else the machines'", "[enrolment]"
) {
    auto body = good_request();
    body["labels"].set(kZoneLabel, json::Value::of("hall-1"));
    const auto chosen = make_node(*parse_enrol_request(body.dump()), "edge-1", "key");
    CHECK(object::label(chosen, kZoneLabel) == "hall-1");
    const auto unnamed = make_node(*parse_enrol_request(good_request().dump()), "edge-1", "key");

    json::Value existing = json::Value::make_object();
    const auto zone_after = [&](const json::Value& wanted) {
        json::Value node = existing;
        object::merge_patch(node, take_over(existing, wanted));
        CHECK(object::annotation(node, tunnel::kMachineKeyAnnotation) == "key");
        return std::string(object::label(node, kZoneLabel).value_or(""));
    };
    CHECK(zone_after(unnamed) == "farhold-machines");
    object::set_label(existing, kZoneLabel, "hall-2");
    CHECK(zone_after(unnamed) == "hall-2");
    CHECK(zone_after(chosen) == "hall-1");
}

TEST_CASE("enrol_request: taints that are none are refused", "[enrolment]") {
    for (const auto* taints :
         {"{}", R"([{"key":"a"}])", R"(["a=b:NoExecute"])", R"([{"key":"a","effect":"Never"}])"}) {
        auto body = good_request();
        body.set("taints", json::Value::parse(taints).value());
        INFO(taints);
        CHECK_FALSE(parse_enrol_request(body.dump()).has_value());
    }
}

TEST_CASE("enrol_request: a machine does not choose labels that decide about it", "[enrolment]") {
    for (const auto* key :
         {"node-role.kubernetes.io/control-plane", "kubernetes.io/hostname", "farhold.io/x",
          "node-restriction.kubernetes.io/secret", "topology.k8s.io/zone", "not a key"}) {
        auto body = good_request();
        body.set("labels", json::Value::make_object({{key, json::Value::of("x")}}));
        INFO(key);
        CHECK_FALSE(parse_enrol_request(body.dump()).has_value());
    }
}
