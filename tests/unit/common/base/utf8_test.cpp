// SPDX-License-Identifier: Apache-2.0
#include "common/base/utf8.hpp"

#include "tests/support/catch.hpp"

using namespace farhold;

TEST_CASE("utf8: characters of each length", "[base]") {
    CHECK(utf8_length("a\xff") == 1);
    CHECK(utf8_length("\xc3\xa9x") == 2);
    CHECK(utf8_length("\xe4\xb8\x96x") == 3);
    CHECK(utf8_length("\xf0\x9f\x98\x80x") == 4);
    CHECK(utf8_length(std::string_view("\0", 1)) == 1);
    CHECK(utf8_length(kReplacement) == 3);
}

TEST_CASE("utf8: bad bytes are replaced one by one", "[base]") {
    CHECK(to_utf8("h\xc3\xa9") == "h\xc3\xa9");
    CHECK(to_utf8("\xffx\xc3") == "\xef\xbf\xbdx\xef\xbf\xbd");
}

TEST_CASE("utf8: what is no character", "[base]") {
    CHECK(utf8_length("") == 0);
    CHECK(utf8_length("\x80") == 0);              // A stray continuation.
    CHECK(utf8_length("\xc3") == 0);              // Cut off.
    CHECK(utf8_length("\xc3(") == 0);             // Not continued.
    CHECK(utf8_length("\xe4\xb8(") == 0);         // Likewise.
    CHECK(utf8_length("\xc0\x80") == 0);          // Overlong.
    CHECK(utf8_length("\xe0\x9f\xbf") == 0);      // Likewise.
    CHECK(utf8_length("\xf0\x8f\xbf\xbf") == 0);  // Likewise.
    CHECK(utf8_length("\xed\xa0\x80") == 0);      // A surrogate.
    CHECK(utf8_length("\xf4\x90\x80\x80") == 0);  // Beyond U+10FFFF.
    CHECK(utf8_length("\xf5\x80\x80\x80") == 0);  // Likewise.
}
