// SPDX-License-Identifier: Apache-2.0
#include "edgecore/twin/twin_words.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace farhold::twin;  // NOLINT(google-build-using-namespace)

TEST_CASE("twin_words: names and texts are what KubeEdge lets pass", "[twin]") {
    CHECK(is_twin_name("motor-1.speed_rpm@left#2:/x,y"));
    CHECK_FALSE(is_twin_name(""));
    CHECK_FALSE(is_twin_name("with space"));
    CHECK_FALSE(is_twin_name(std::string(129, 'a')));
    CHECK(is_twin_text(""));
    CHECK(is_twin_text(std::string(512, 'a')));
    CHECK_FALSE(is_twin_text(std::string(513, 'a')));
    CHECK_FALSE(is_twin_text("\xff"));
}
