// SPDX-License-Identifier: Apache-2.0
#include "common/kubestore/event_ring.hpp"

#include "tests/support/catch.hpp"

namespace farhold::kubestore {
namespace {

EventPtr event(Revision revision, std::string key, std::size_t bytes = 1) {
    Event made;
    made.revision = revision;
    made.key = std::move(key);
    made.body = std::make_shared<const std::string>(bytes, 'x');
    return std::make_shared<const Event>(std::move(made));
}

}  // namespace

TEST_CASE("event ring: answers what came after a revision, by prefix", "[kubestore]") {
    EventRing ring(10, 1 << 20);
    ring.reset(4);
    ring.push(event(5, "pods/a/x"));
    ring.push(event(6, "nodes/x"));
    ring.push(event(7, "pods/b/x"));

    const EventBatch all = ring.after(4, "pods/", 10).value();
    REQUIRE(all.events.size() == 2);
    CHECK(all.events[1]->revision == 7);
    CHECK(all.scanned_to == 7);
    CHECK(ring.after(5, "pods/a/", 10).value().events.empty());
    CHECK(ring.after(7, "pods/", 10).value().scanned_to == 7);
    CHECK(ring.after(99, "pods/", 10).value().scanned_to == 99);
}

TEST_CASE("event ring: a full batch goes on where it ended", "[kubestore]") {
    EventRing ring(10, 1 << 20);
    ring.reset(0);
    ring.push(event(1, "a/1"));
    ring.push(event(2, "b/1"));
    ring.push(event(3, "a/2"));
    const EventBatch first = ring.after(0, "a/", 1).value();
    REQUIRE(first.events.size() == 1);
    CHECK(first.scanned_to == 2);
    const EventBatch second = ring.after(first.scanned_to, "a/", 1).value();
    REQUIRE(second.events.size() == 1);
    CHECK(second.events[0]->key == "a/2");
}

TEST_CASE("event ring: forgets the oldest and says so", "[kubestore]") {
    SECTION("by number") {
        EventRing ring(2, 1 << 20);
        ring.reset(0);
        for (Revision revision = 1; revision <= 3; ++revision) {
            ring.push(event(revision, "a/1"));
        }
        CHECK(ring.after(1, "a/", 10).value().events.size() == 2);
        const Result<EventBatch> old = ring.after(0, "a/", 10);
        REQUIRE_FALSE(old);
        CHECK(old.error().code() == ErrorCode::resource_exhausted);
        CHECK(old.error().message() == "too old resource version: 0 (1)");
    }
    SECTION("by bytes, but never the newest") {
        EventRing ring(10, 1000);
        ring.reset(0);
        ring.push(event(1, "a/1", 100));
        ring.push(event(2, "a/1", 5000));
        CHECK_FALSE(ring.after(0, "a/", 10));
        CHECK(ring.after(1, "a/", 10).value().events.size() == 1);
    }
    SECTION("before the first event after a start") {
        EventRing ring(10, 1000);
        ring.reset(7);
        CHECK_FALSE(ring.after(6, "a/", 10));
        CHECK(ring.after(7, "a/", 10));
    }
}

}  // namespace farhold::kubestore
