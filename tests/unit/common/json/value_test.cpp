// SPDX-License-Identifier: Apache-2.0
#include "common/json/value.hpp"

#include "tests/support/catch.hpp"

using farhold::json::Value;

namespace {

Value parsed(std::string_view text) {
    auto value = Value::parse(text);
    REQUIRE(value);
    return std::move(*value);
}

}  // namespace

TEST_CASE("json: paths reach into objects and never throw", "[json]") {
    const Value value = parsed(R"({"metadata":{"name":"a","generation":3},"flag":true})");
    CHECK(value.text_at({"metadata", "name"}) == "a");
    CHECK(value.integer_at({"metadata", "generation"}) == 3);
    CHECK(value.bool_at({"flag"}));
    CHECK(value.text_at({"metadata", "name", "x"}, "none") == "none");
    CHECK(value.text_at({"metadata", "generation"}, "none") == "none");
    CHECK(value.find("spec") == nullptr);
    CHECK(Value::of("text").find("spec") == nullptr);
}

TEST_CASE("json: members keep the order in which they were first set", "[json]") {
    Value value;
    value.set("b", Value::of(1));
    value.set("a", Value::of(true));
    value.set("b", Value::of("again"));
    value["list"].push_back(Value::of(1.5));
    value.ensure_path({"spec", "deep"}).set("x", Value::make_array());
    CHECK(value.dump() == R"({"b":"again","a":true,"list":[1.5],"spec":{"deep":{"x":[]}}})");
    CHECK(value.erase("a"));
    CHECK_FALSE(value.erase("a"));
    CHECK(value.size() == 3);
}

TEST_CASE("json: a scalar in the way of a path is replaced", "[json]") {
    Value value = parsed(R"({"a":1})");
    value.ensure_path({"a", "b"});
    CHECK(value.dump() == R"({"a":{"b":{}}})");
}

TEST_CASE("json: numbers compare by value and objects without order", "[json]") {
    CHECK(parsed("[1,1.0,100]") == parsed("[1.0,1,1e2]"));
    CHECK_FALSE(parsed("9007199254740993") == parsed("9007199254740992"));
    CHECK(parsed(R"({"a":1,"b":{"c":2,"d":3}})") == parsed(R"({"b":{"d":3,"c":2},"a":1})"));
    CHECK_FALSE(parsed(R"({"a":1,"b":2})") == parsed(R"({"a":1,"c":2})"));
    CHECK_FALSE(parsed("1") == parsed("\"1\""));
    CHECK_FALSE(parsed("[1,2]") == parsed("[2,1]"));
    CHECK_FALSE(parsed("true") == parsed("false"));
    CHECK(parsed("null") == Value());
}

TEST_CASE("json: integers are those written as integers", "[json]") {
    CHECK(parsed("-9223372036854775808").integer() == INT64_MIN);
    CHECK_FALSE(parsed("9223372036854775808").integer());
    CHECK_FALSE(parsed("1.0").integer());
    CHECK(parsed("1.5e1").number() == 15.0);
}

TEST_CASE("json: pretty text is indented by two", "[json]") {
    CHECK(
        parsed(R"({"a":[1,{"b":{}}],"c":[]})").dump_pretty() ==
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n  \"c\": []\n}"
    );
}

TEST_CASE("json: text that is not UTF-8 is written so that it can be read", "[json]") {
    const auto written = [](std::string_view text) { return Value::of(text).dump(); };
    CHECK(
        written("a\xff"
                "b\xc3") ==
        "\"a\xef\xbf\xbd"
        "b\xef\xbf\xbd\""
    );
    CHECK(written("h\xc3\xa9 \xf0\x9f\x98\x80\n") == "\"h\xc3\xa9 \xf0\x9f\x98\x80\\n\"");
    CHECK(parsed(written("\xed\xa0\x80")).is_string());
    CHECK(parsed(Value::make_object({{"\xfe", Value::of(1)}}).dump()).size() == 1);
}

TEST_CASE("json: half a surrogate pair becomes a character that says so", "[json]") {
    CHECK_FALSE(Value::parse(R"("\ud800")"));
    const Value lone = parsed(R"({"\ude00":"a\ude00"})");
    CHECK(parsed(lone.dump()) == lone);
    CHECK(parsed(R"("\ud83d\ude00")").as_string() == "\xf0\x9f\x98\x80");
}
