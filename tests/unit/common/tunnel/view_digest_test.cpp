// SPDX-License-Identifier: Apache-2.0
#include "common/tunnel/view_digest.hpp"

#include "common/base/random.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <string>
#include <vector>

using farhold::Random;
using farhold::tunnel::ViewDigest;

TEST_CASE("view_digest: the empty set is all zero", "[view_digest]") {
    CHECK(ViewDigest().bytes() == std::string(32, '\0'));
}

TEST_CASE("view_digest: each of the four values counts", "[view_digest]") {
    const auto digest = [](const char* key, const char* uid, const char* hash, unsigned encoding) {
        ViewDigest one;
        one.add(key, uid, hash, encoding);
        return one;
    };
    const ViewDigest base = digest("Pod/default/a", "u", "h", 1);
    CHECK(base == digest("Pod/default/a", "u", "h", 1));
    CHECK(base != digest("Pod/default/b", "u", "h", 1));
    CHECK(base != digest("Pod/default/a", "v", "h", 1));
    CHECK(base != digest("Pod/default/a", "u", "i", 1));
    CHECK(base != digest("Pod/default/a", "u", "h", 2));
}

TEST_CASE("view_digest: order does not count, and removing takes back", "[view_digest]") {
    Random random(7);
    std::vector<std::string> keys;
    for (int i = 0; i < 500; ++i) {
        keys.push_back(random.uuid());
    }
    ViewDigest forward;
    for (const auto& key : keys) {
        forward.add(key, "uid", "hash", 1);
    }
    ViewDigest backward;
    std::ranges::reverse(keys);
    for (const auto& key : keys) {
        backward.add(key, "uid", "hash", 1);
        backward.add("more " + key, "uid", "hash", 1);
        backward.remove("more " + key, "uid", "hash", 1);
    }
    CHECK(forward == backward);
    for (const auto& key : keys) {
        backward.remove(key, "uid", "hash", 1);
    }
    CHECK(backward == ViewDigest());
}

TEST_CASE("view_digest: removing first and adding later wraps around cleanly", "[view_digest]") {
    ViewDigest digest;
    digest.remove("a", "u", "h", 1);
    digest.add("b", "u", "h", 1);
    digest.add("a", "u", "h", 1);
    digest.remove("b", "u", "h", 1);
    CHECK(digest == ViewDigest());
}

TEST_CASE("view_digest: bytes come back as they were, other lengths are refused", "[view_digest]") {
    ViewDigest digest;
    digest.add("Pod/default/a", "u", "h", 1);
    CHECK(ViewDigest::from_bytes(digest.bytes()).value() == digest);
    CHECK_FALSE(ViewDigest::from_bytes(std::string(31, 'x')));
    CHECK_FALSE(ViewDigest::from_bytes(std::string(33, 'x')));
    CHECK_FALSE(ViewDigest::from_bytes(""));
}
