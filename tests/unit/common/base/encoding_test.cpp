// SPDX-License-Identifier: Apache-2.0
#include "common/base/encoding.hpp"

#include "common/base/random.hpp"
#include "tests/support/catch.hpp"

using namespace farhold;

TEST_CASE("encoding: the vectors of RFC 4648 hold both ways", "[base]") {
    const std::pair<const char*, const char*> vectors[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [plain, text] : vectors) {
        CHECK(base64_encode(plain) == text);
        CHECK(base64_decode(text) == plain);
    }
}

TEST_CASE("encoding: random bytes survive every text form", "[base]") {
    Random random(7);
    for (std::size_t length = 0; length < 70; ++length) {
        std::string bytes;
        for (std::size_t i = 0; i < length; ++i) {
            bytes.push_back(static_cast<char>(random.between(0, 255)));
        }
        CHECK(hex_decode(hex_encode(bytes)) == bytes);
        CHECK(base64_decode(base64_encode(bytes)) == bytes);
        CHECK(base64url_decode(base64url_encode(bytes)) == bytes);
        CHECK(percent_decode(percent_encode(bytes), false) == bytes);
    }
}

TEST_CASE("encoding: text that is not of the form is refused", "[base]") {
    CHECK_FALSE(hex_decode("abc"));
    CHECK_FALSE(hex_decode("zz"));
    CHECK_FALSE(base64_decode("Zg=!"));
    CHECK_FALSE(base64_decode("Z"));
    CHECK_FALSE(base64url_decode("a+b/"));
    CHECK_FALSE(percent_decode("%4", false));
    CHECK_FALSE(percent_decode("%zz", false));
}

TEST_CASE("encoding: a plus sign is a space in query strings only", "[base]") {
    CHECK(percent_decode("a+b%3Dc", true) == "a b=c");
    CHECK(percent_decode("a+b", false) == "a+b");
}
