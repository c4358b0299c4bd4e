// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/needed_objects.hpp"

#include "tests/support/catch.hpp"

#include <chrono>

using namespace farhold;
using namespace farhold::views;
using namespace std::chrono_literals;

namespace {

const object::ObjectKey kSecret{"Secret", "default", "s"};

struct Needed {
    NeededObjects objects;

    Needed() { objects.need(kSecret); }
    Fetch ask(Instant now = {}) { return objects.take_due(now).value(); }
    bool is_due(Instant now = {}) { return objects.take_due(now).has_value(); }
    void arrive(const char* version) {
        CHECK(objects.finish(ask()));
        objects.arrived(kSecret, version);
    }
};

}  // namespace

TEST_CASE("needed_objects: what nobody needs is never due", "[views]") {
    NeededObjects objects;
    objects.changed(kSecret, "1");
    objects.listed(kSecret);
    objects.removed(kSecret);
    CHECK_FALSE(objects.take_due({}));
    CHECK_FALSE(objects.next_due());
    CHECK(objects.size() == 0);
}

TEST_CASE("needed_objects: fetched once, and again when it has changed", "[views]") {
    Needed needed;
    CHECK_FALSE(needed.objects.settled(kSecret));
    needed.arrive("5");
    CHECK(needed.objects.settled(kSecret));
    needed.objects.need(kSecret);
    needed.objects.changed(kSecret, "5");
    CHECK_FALSE(needed.is_due());
    needed.objects.changed(kSecret, "6");
    const Fetch fetch = needed.ask();
    // Changes while it is under way: fetched again afterwards, unless that has arrived.
    needed.objects.changed(kSecret, "7");
    CHECK_FALSE(needed.is_due());
    CHECK(needed.objects.finish(fetch));
    needed.objects.arrived(kSecret, "6");
    CHECK(needed.objects.finish(needed.ask()));
    needed.objects.changed(kSecret, "8");
    needed.objects.arrived(kSecret, "8");
    CHECK_FALSE(needed.is_due());
}

TEST_CASE("needed_objects: a list and a removal make an answer under way worthless", "[views]") {
    Needed needed;
    needed.arrive("5");
    needed.objects.listed(kSecret);
    const Fetch before = needed.ask();
    needed.objects.listed(kSecret);
    const Fetch after = needed.ask();
    CHECK_FALSE(needed.objects.finish(before));
    CHECK(needed.objects.finish(after));
    needed.objects.arrived(kSecret, "5");
    needed.objects.changed(kSecret, "6");
    const Fetch late = needed.ask();
    needed.objects.removed(kSecret);
    CHECK_FALSE(needed.objects.finish(late));
    CHECK(needed.objects.settled(kSecret));
    CHECK_FALSE(needed.is_due());
}

TEST_CASE("needed_objects: absence is only what was asked after it was needed", "[views]") {
    Needed needed;
    const Fetch early = needed.ask();
    needed.objects.need(kSecret);
    CHECK_FALSE(needed.objects.finish(early));
    CHECK(needed.objects.finish(needed.ask()));
    needed.objects.absent(kSecret);
    CHECK(needed.objects.settled(kSecret));
    needed.objects.need(kSecret);
    CHECK_FALSE(needed.objects.settled(kSecret));
    // An older one of that name is gone: the one that is asked for may be another.
    const Fetch asked = needed.ask();
    needed.objects.another_removed(kSecret);
    CHECK_FALSE(needed.objects.finish(asked));
    CHECK(needed.is_due());
}

TEST_CASE("needed_objects: a refusal is asked about again, and is no absence", "[views]") {
    Needed needed;
    CHECK_FALSE(needed.objects.all_answered());
    CHECK(needed.objects.finish(needed.ask()));
    needed.objects.refused(kSecret, "forbidden", Instant(60s));
    CHECK(needed.objects.all_answered());
    CHECK_FALSE(needed.objects.settled(kSecret));
    CHECK(needed.objects.refusal(kSecret) == "forbidden");
    CHECK(needed.objects.next_due() == Instant(60s));
    needed.objects.need(kSecret);
    CHECK_FALSE(needed.is_due(Instant(59s)));
    CHECK(needed.objects.finish(needed.ask(Instant(60s))));
    needed.objects.unanswered(kSecret);
    CHECK(needed.objects.finish(needed.ask()));
    needed.objects.arrived(kSecret, "1");
    CHECK(needed.objects.refusal(kSecret).empty());
}

TEST_CASE("needed_objects: what is needed no more is forgotten", "[views]") {
    Needed needed;
    const Fetch fetch = needed.ask();
    needed.objects.forget(kSecret);
    CHECK_FALSE(needed.objects.finish(fetch));
    CHECK(needed.objects.all_answered());
    CHECK(needed.objects.size() == 0);
}
