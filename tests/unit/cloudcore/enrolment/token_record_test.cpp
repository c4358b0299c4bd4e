// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/token_record.hpp"

#include "common/object/metadata.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <string>

using namespace farhold;
using namespace farhold::enrolment;
using namespace std::chrono_literals;

namespace {

const WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 25};

TokenRecord fresh_token(std::string node = {}) {
    TokenRecord record;
    record.id = "abcdefghijklmnop";
    record.secret_hash = "hash";
    record.created = kNow;
    record.expires = kNow + 24h;
    record.node = std::move(node);
    return record;
}

ErrorCode refused_with(
    const TokenRecord& record, const Applicant& applicant,
    const std::optional<std::string>& existing = std::nullopt, WallTime now = kNow
) {
    const auto admission = admit(record, applicant, existing, now);
    REQUIRE_FALSE(admission.has_value());
    return admission.error().code();
}

}  // namespace

TEST_CASE("token_record: survives its Secret", "[enrolment]") {
    auto record = fresh_token("edge-1");
    record.uses_max = 3;
    record.uses = {{"edge-1", "key", kNow + 1h}};
    auto secret = to_secret(record);
    secret.ensure_path({"metadata"}).set("resourceVersion", json::Value::of("7"));
    const auto again = read_token(secret);
    REQUIRE(again.has_value());
    CHECK(again->id == record.id);
    CHECK(again->secret_hash == "hash");
    CHECK(again->expires == record.expires);
    CHECK(again->uses_max == 3);
    CHECK(again->node == "edge-1");
    REQUIRE(again->uses.size() == 1);
    CHECK(again->uses[0].key_id == "key");
    CHECK(again->uses[0].at == kNow + 1h);
    CHECK(again->resource_version == "7");
    CHECK(object::label(to_secret(*again), "farhold.io/join-token") == record.id);
    CHECK(object::resource_version(to_secret(*again)) == "7");
}

TEST_CASE("token_record: a damaged Secret is said to be one", "[enrolment]") {
    auto secret = to_secret(fresh_token());
    secret.ensure_path({"data"}).set("record", json::Value::of("e30="));
    CHECK(read_token(secret).error().code() == ErrorCode::corrupt);
    CHECK(read_token(json::Value::make_object()).error().code() == ErrorCode::corrupt);
}

TEST_CASE("admit: records the key in the same value that uses the token up", "[enrolment]") {
    const auto admission = admit(fresh_token(), {"key", "edge-1"}, std::nullopt, kNow);
    REQUIRE(admission.has_value());
    CHECK(admission->node == "edge-1");
    REQUIRE(admission->used.has_value());
    REQUIRE(admission->used->uses.size() == 1);
    CHECK(admission->used->uses[0].key_id == "key");
    CHECK(refused_with(*admission->used, {"other key", "edge-2"}) == ErrorCode::permission_denied);
}

TEST_CASE("admit: the same key may ask again for ten minutes, nobody else", "[enrolment]") {
    auto used = fresh_token();
    used.uses = {{"edge-1", "key", kNow}};
    // Its Node exists by now.
    const auto again = admit(used, {"key", "edge-1"}, "key", kNow + 10min);
    REQUIRE(again.has_value());
    CHECK(again->node == "edge-1");
    CHECK_FALSE(again->used.has_value());
    CHECK(
        refused_with(used, {"key", "edge-1"}, "key", kNow + 11min) == ErrorCode::permission_denied
    );
    CHECK(refused_with(used, {"stolen", "edge-1"}) == ErrorCode::permission_denied);
    CHECK(refused_with(used, {"key", "edge-2"}) == ErrorCode::permission_denied);
}

TEST_CASE("admit: a lost answer may be asked again after the token's expiry", "[enrolment]") {
    auto used = fresh_token();
    used.uses = {{"edge-1", "key", used.expires - 1min}};
    CHECK(admit(used, {"key", "edge-1"}, "key", used.expires + 1min).has_value());
    CHECK(
        refused_with(fresh_token(), {"key", "edge-1"}, std::nullopt, used.expires) ==
        ErrorCode::permission_denied
    );
}

TEST_CASE("admit: counts uses", "[enrolment]") {
    auto record = fresh_token();
    record.uses_max = 2;
    for (const auto* node : {"edge-1", "edge-2"}) {
        const auto admission = admit(record, {node, node}, std::nullopt, kNow);
        REQUIRE(admission.has_value());
        record = *admission->used;
    }
    CHECK(refused_with(record, {"edge-3", "edge-3"}) == ErrorCode::permission_denied);
}

TEST_CASE("admit: only a token made for a node can take an existing one's place", "[enrolment]") {
    CHECK(refused_with(fresh_token(), {"key", "edge-1"}, "old key") == ErrorCode::already_exists);
    // A Node that no machine has enrolled, made by somebody's kubectl, is not free either.
    CHECK(refused_with(fresh_token(), {"key", "edge-1"}, "") == ErrorCode::already_exists);
    CHECK(admit(fresh_token("edge-1"), {"key", "edge-1"}, "old key", kNow).has_value());
    CHECK(admit(fresh_token("edge-1"), {"key", ""}, "old key", kNow)->node == "edge-1");
    CHECK(refused_with(fresh_token("edge-1"), {"key", "edge-2"}) == ErrorCode::permission_denied);
}

TEST_CASE("admit: refuses what is no name of a node", "[enrolment]") {
    for (const auto* name : {"", "Edge", "edge/1", "-edge", "a..b"}) {
        INFO(name);
        CHECK(refused_with(fresh_token(), {"key", name}) == ErrorCode::invalid_argument);
    }
}
