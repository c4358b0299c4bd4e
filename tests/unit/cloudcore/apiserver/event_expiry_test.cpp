// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/event_expiry.hpp"

#include "common/object/time_text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/embedded_api.hpp"

#include <string>

namespace farhold::apiserver {
namespace {

json::Value event(std::string_view more) {
    return json::Value::parse(
               R"({"metadata":{"name":"e","namespace":"default"},"involvedObject":{"kind":"Pod",)"
               R"("namespace":"default","name":"p"},"reason":"Started","type":"Normal")" +
               std::string(more) + "}"
    )
        .value();
}

}  // namespace

TEST_CASE("event expiry: counts from when an event was last seen", "[apiserver]") {
    const WallTime now = object::parse_time("2026-05-04T12:00:00Z").value();
    CHECK(is_expired_event(event(R"(,"lastTimestamp":"2026-05-04T10:59:59Z")"), now));
    CHECK_FALSE(is_expired_event(event(R"(,"lastTimestamp":"2026-05-04T11:00:01Z")"), now));
    CHECK_FALSE(is_expired_event(
        event(R"(,"eventTime":"2026-05-04T01:00:00.000000Z",)"
              R"("series":{"lastObservedTime":"2026-05-04T11:30:00.000000Z"})"),
        now
    ));
    CHECK_FALSE(is_expired_event(event(""), now));
}

TEST_CASE("event expiry: old events are deleted and young ones stay", "[apiserver]") {
    with_client([](EmbeddedClient& client) -> Task<> {
        CHECK(co_await client.create(kubeapi::kEvents, "default", event(""), ""));
        const WallTime now = SystemClock().now().wall;
        CHECK(co_await delete_expired_events(client, now));
        CHECK(co_await client.get(kubeapi::kEvents, "default", "e"));
        CHECK(co_await delete_expired_events(client, now + std::chrono::minutes(61)));
        const auto gone = co_await client.get(kubeapi::kEvents, "default", "e");
        CHECK(gone.error().code() == ErrorCode::not_found);
    });
}

}  // namespace farhold::apiserver
