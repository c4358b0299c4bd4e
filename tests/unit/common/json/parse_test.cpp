// SPDX-License-Identifier: Apache-2.0
#include "common/json/value.hpp"
#include "tests/support/catch.hpp"

using farhold::ErrorCode;
using farhold::json::ParseLimits;
using farhold::json::Value;

namespace {

std::string round_trip(std::string_view text) {
    const auto value = Value::parse(text);
    return value ? value->dump() : "error: " + value.error().message();
}

}  // namespace

TEST_CASE("json: what was read is written unchanged", "[json]") {
    for (const std::string_view text : {
             R"({"z":1,"a":[],"m":{},"n":null,"t":true,"f":false})",
             R"([1.0,1e3,-0,12345678901234567890123,0.1000000000000000055511151231257827])",
             R"("quotes \" and \\ and \n and \u0001 and ä and 🚀")",
             R"(9007199254740993)",
         }) {
        CHECK(round_trip(text) == text);
    }
}

TEST_CASE("json: escapes are understood and white space is dropped", "[json]") {
    CHECK(round_trip(" { \"a\\u00e4\" :\t[ 1 ,\n2 ] } ") == "{\"aä\":[1,2]}");
    CHECK(round_trip(R"("\ud83d\ude80\/")") == "\"🚀/\"");
}

TEST_CASE("json: errors tell the offset", "[json]") {
    for (const auto& [text, offset] : std::vector<std::pair<std::string_view, std::string>>{
             {"", "At offset 0."},
             {"{\"a\":1,}", "At offset 7."},
             {"[1] x", "At offset 4."},
             {"[01]", "At offset 2."},
             {"\"\xff\"", "At offset 1."},
             {std::string_view("[]\0", 3), "at offset 2"},
         }) {
        const auto value = Value::parse(text);
        REQUIRE_FALSE(value);
        CHECK(value.error().code() == ErrorCode::invalid_argument);
        CHECK(value.error().message().ends_with(offset));
    }
}

TEST_CASE("json: depth, members and size are limited", "[json]") {
    const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
    CHECK(Value::parse(nested(ParseLimits{}.depth)));
    CHECK_FALSE(Value::parse(nested(ParseLimits{}.depth + 1)));
    CHECK_FALSE(Value::parse(std::string(1'000'000, '[')));
    CHECK(Value::parse(R"({"a":1,"b":2})", ParseLimits{.members = 2}));
    CHECK_FALSE(Value::parse(R"({"a":1,"b":2,"c":3})", ParseLimits{.members = 2}));
    const auto large = Value::parse("[1,2,3]", ParseLimits{.bytes = 6});
    REQUIRE_FALSE(large);
    CHECK(large.error().code() == ErrorCode::resource_exhausted);
}

TEST_CASE("json: of a repeated key the last value stays and its path is reported", "[json]") {
    std::vector<std::string> duplicates;
    const auto value = Value::parse(
        R"({"spec":{"c":[{"a":1},{"x":0,"a":1,"b":{},"a":2}],"c2":[[{"k":1,"k":2}]]},"q":1,"q":2})",
        {}, &duplicates
    );
    REQUIRE(value);
    CHECK(
        value->dump() == R"({"spec":{"c":[{"a":1},{"x":0,"b":{},"a":2}],"c2":[[{"k":2}]]},"q":2})"
    );
    CHECK(duplicates == std::vector<std::string>{"spec.c[1].a", "spec.c2[0][0].k", "q"});
}

TEST_CASE("json: repeated keys of a large object are found as in a small one", "[json]") {
    std::string text = "{";
    for (int i = 0; i < 10'000; ++i) {
        text += "\"k" + std::to_string(i % 5'000) + "\":" + std::to_string(i) + ",";
    }
    text.back() = '}';
    std::vector<std::string> duplicates;
    const auto value = Value::parse(text, {}, &duplicates);
    REQUIRE(value);
    CHECK(value->size() == 5'000);
    CHECK(value->find("k7")->integer() == 5'007);
    CHECK(duplicates.size() == 100);
    CHECK(duplicates.front() == "k0");
}
