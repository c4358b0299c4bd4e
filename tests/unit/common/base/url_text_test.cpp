// SPDX-License-Identifier: Apache-2.0
#include "common/base/url_text.hpp"

#include "tests/support/catch.hpp"

using namespace farhold;  // NOLINT(google-build-using-namespace)

TEST_CASE("url_text: a text is split where its separators are", "[base]") {
    using Parts = std::vector<std::string_view>;
    CHECK(split("/api//v1/", '/') == Parts{"api", "v1"});
    CHECK(split("a", '/') == Parts{"a"});
    CHECK(split("", '/').empty());
    CHECK(split("//", '/').empty());
}

TEST_CASE("url_text: a query is decoded pair by pair", "[base]") {
    using Pair = std::pair<std::string, std::string>;
    const auto query = parse_query("a=1&&b=x+%26=&c&=d");
    REQUIRE(query);
    CHECK(*query == std::vector<Pair>{{"a", "1"}, {"b", "x &="}, {"c", ""}, {"", "d"}});
    CHECK(parse_query("")->empty());
    CHECK_FALSE(parse_query("a%=1"));
    CHECK_FALSE(parse_query("a=%zz"));
}
