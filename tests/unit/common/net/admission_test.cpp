// SPDX-License-Identifier: Apache-2.0
#include "common/net/admission.hpp"

#include "tests/support/catch.hpp"

using farhold::net::Admission;
using Room = Admission::Room;

TEST_CASE("admission: one address cannot take all places of the unknown", "[net]") {
    Admission admission({.connections = 10, .anonymous = 4, .anonymous_per_address = 2});
    admission.enter("192.0.2.1");
    CHECK(admission.room_for("192.0.2.1") == Room::free);
    admission.enter("192.0.2.1");
    CHECK(admission.room_for("192.0.2.1") == Room::crowded_address);
    admission.enter("192.0.2.2");
    admission.enter("192.0.2.3");
    CHECK(admission.room_for("192.0.2.4") == Room::crowded);
    admission.left(false, "192.0.2.1");
    CHECK(admission.room_for("192.0.2.4") == Room::free);
    CHECK(admission.room_for("192.0.2.1") == Room::free);
}

TEST_CASE("admission: whoever is identified no longer counts as unknown", "[net]") {
    Admission admission({.connections = 3, .anonymous = 1, .anonymous_per_address = 1});
    for (int machine = 0; machine < 3; ++machine) {
        CHECK(admission.room_for("192.0.2.1") == Room::free);
        admission.enter("192.0.2.1");
        admission.identified("192.0.2.1");
    }
    CHECK(admission.room_for("192.0.2.2") == Room::full);  // Three connections in all.
    admission.left(true, "192.0.2.1");
    CHECK(admission.room_for("192.0.2.2") == Room::free);
}
