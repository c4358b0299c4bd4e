// SPDX-License-Identifier: Apache-2.0
#include "common/base/backoff.hpp"
#include "common/base/encoding.hpp"
#include "common/base/error.hpp"
#include "common/base/random.hpp"
#include "common/base/sha256.hpp"
#include "tests/support/catch.hpp"

#include <set>

using namespace farhold;
using namespace std::chrono_literals;

TEST_CASE("error: context is built outward like a sentence", "[base]") {
    const Error inner(ErrorCode::corrupt, "not a database");
    const Error outer = inner.within("read state.db").within("open store");
    CHECK(outer.message() == "open store: read state.db: not a database");
    CHECK(outer.code() == ErrorCode::corrupt);
}

TEST_CASE("sha256: the vector of FIPS 180 holds", "[base]") {
    CHECK(
        hex_encode(sha256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

TEST_CASE("sha256_of: where a part ends matters", "[base]") {
    CHECK(sha256_of({"ab", "c"}) != sha256_of({"a", "bc"}));
    CHECK(sha256_of({"ab", "c"}) == sha256_of({"ab", "c"}));
}

TEST_CASE(
    "random: the same seed gives the same values, uuids look like Kubernetes uids", "[base]"
) {
    Random one(42);
    Random other(42);
    CHECK(one.uuid() == other.uuid());
    const std::string uuid = one.uuid();
    REQUIRE(uuid.size() == 36);
    CHECK(uuid[14] == '4');
    CHECK(std::string("89ab").find(uuid[19]) != std::string::npos);
    CHECK(one.suffix(5).find_first_not_of("bcdfghjklmnpqrstvwxz2456789") == std::string::npos);
}

TEST_CASE("random: between reaches both its ends", "[base]") {
    Random random(1);
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 200; ++i) seen.insert(random.between(3, 6));
    CHECK(seen == std::set<std::uint64_t>{3, 4, 5, 6});
}

TEST_CASE(
    "backoff: starts below its base, stays under its cap, begins anew after reset", "[base]"
) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Random random(seed);
        Backoff backoff(500ms, 30s);
        CHECK(backoff.next(random) <= 1s);
        Duration largest{};
        for (int i = 0; i < 50; ++i) {
            const Duration next = backoff.next(random);
            CHECK(next >= 250ms);
            CHECK(next <= 30s);
            largest = std::max(largest, next);
        }
        CHECK(largest > 5s);
        backoff.reset();
        CHECK(backoff.next(random) <= 1s);
    }
}
