// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/outbox_ages.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace farhold;
using namespace farhold::edge;
using std::chrono::seconds;

namespace {

Instant at(int second) {
    return Instant(seconds(second));
}

std::uint64_t keep(store::Outbox& outbox, const std::string& key) {
    auto row = outbox.put(key, "uid", "{}");
    REQUIRE(row);
    const std::uint64_t seq = row->seq;
    outbox.stored(std::move(*row));
    return seq;
}

}  // namespace

TEST_CASE("outbox ages: the oldest that still waits counts", "[status]") {
    store::Outbox outbox;
    OutboxAges ages;
    ages.update(outbox, at(0));
    CHECK(ages.oldest(at(5)) == seconds(0));
    const std::uint64_t first = keep(outbox, "a");
    ages.update(outbox, at(10));
    const std::uint64_t second = keep(outbox, "b");
    ages.update(outbox, at(20));
    CHECK(ages.oldest(at(25)) == seconds(15));
    outbox.acknowledge(first);
    ages.update(outbox, at(30));
    CHECK(ages.oldest(at(35)) == seconds(15));
    outbox.acknowledge(second);
    ages.update(outbox, at(40));
    CHECK(ages.oldest(at(45)) == seconds(0));
}

TEST_CASE("outbox ages: a report that a newer one replaces waits anew", "[status]") {
    store::Outbox outbox;
    OutboxAges ages;
    keep(outbox, "a");
    ages.update(outbox, at(10));
    keep(outbox, "a");
    ages.update(outbox, at(20));
    CHECK(ages.oldest(at(21)) == seconds(1));
}

TEST_CASE("outbox ages: behind one that is stuck, others come and go", "[status]") {
    store::Outbox outbox;
    OutboxAges ages;
    keep(outbox, "stuck");
    ages.update(outbox, at(1));
    for (int second = 2; second < 1000; ++second) {
        keep(outbox, "busy");
        ages.update(outbox, at(second));
    }
    CHECK(ages.oldest(at(1000)) == seconds(999));
    outbox.acknowledge(1);
    ages.update(outbox, at(1000));
    CHECK(ages.oldest(at(1000)) == seconds(1));
}
