// SPDX-License-Identifier: Apache-2.0
#include "common/object/patch.hpp"

#include "parse_json.hpp"

using namespace farhold;
using namespace farhold::object;

namespace {

std::string merged(std::string_view target, std::string_view patch) {
    json::Value value = parse_json(target);
    merge_patch(value, parse_json(patch));
    return value.dump();
}

std::string patched(std::string_view target, std::string_view patch) {
    json::Value value = parse_json(target);
    const auto result = json_patch(value, parse_json(patch));
    return result ? value.dump() : std::string(to_string(result.error().code()));
}

}  // namespace

TEST_CASE("merge patch: the examples of RFC 7386", "[object]") {
    CHECK(merged(R"({"a":"b"})", R"({"a":"c"})") == R"({"a":"c"})");
    CHECK(merged(R"({"a":"b"})", R"({"b":"c"})") == R"({"a":"b","b":"c"})");
    CHECK(merged(R"({"a":"b","b":"c"})", R"({"a":null})") == R"({"b":"c"})");
    CHECK(merged(R"({"a":["b"]})", R"({"a":"c"})") == R"({"a":"c"})");
    CHECK(merged(R"({"a":"c"})", R"({"a":["b"]})") == R"({"a":["b"]})");
    CHECK(merged(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})") == R"({"a":{"b":"d"}})");
    CHECK(merged(R"({"a":[{"b":"c"}]})", R"({"a":[1]})") == R"({"a":[1]})");
    CHECK(merged(R"(["a","b"])", R"(["c","d"])") == R"(["c","d"])");
    CHECK(merged(R"({"e":null})", R"({"a":1})") == R"({"e":null,"a":1})");
    CHECK(merged(R"({})", R"({"a":{"bb":{"ccc":null}}})") == R"({"a":{"bb":{}}})");
}

TEST_CASE("json patch: the operations of RFC 6902", "[object]") {
    CHECK(patched(R"({"a":1})", R"([{"op":"add","path":"/b","value":2}])") == R"({"a":1,"b":2})");
    CHECK(
        patched(R"({"a":[1,3]})", R"([{"op":"add","path":"/a/1","value":2}])") == R"({"a":[1,2,3]})"
    );
    CHECK(patched(R"({"a":[1]})", R"([{"op":"add","path":"/a/-","value":2}])") == R"({"a":[1,2]})");
    CHECK(patched(R"({"a":1,"b":2})", R"([{"op":"remove","path":"/a"}])") == R"({"b":2})");
    CHECK(patched(R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/0"}])") == R"({"a":[2]})");
    CHECK(
        patched(R"({"a":1})", R"([{"op":"replace","path":"/a","value":null}])") == R"({"a":null})"
    );
    CHECK(patched(R"({})", R"([{"op":"replace","path":"/a","value":1}])") == R"({"a":1})");
    CHECK(patched(R"({"a":1})", R"([{"op":"move","from":"/a","path":"/b"}])") == R"({"b":1})");
    CHECK(
        patched(R"({"a":1})", R"([{"op":"copy","from":"/a","path":"/b"}])") == R"({"a":1,"b":1})"
    );
    CHECK(patched(R"({"a":1})", R"([{"op":"replace","path":"","value":{}}])") == "{}");
    CHECK(
        patched(
            R"({"m":{"a/b":1,"c~d":2}})",
            R"([{"op":"test","path":"/m/a~1b","value":1.0},{"op":"remove","path":"/m/c~0d"}])"
        ) == R"({"m":{"a/b":1}})"
    );
}

TEST_CASE("json patch: what is not there is null", "[object]") {
    CHECK(patched(R"({"a":1})", R"([{"op":"add","path":"/a"}])") == R"({"a":null})");
    CHECK(patched("{}", R"([{"op":"copy","from":"/x","path":"/y"}])") == R"({"y":null})");
}

TEST_CASE("json patch: an operation that does not fit leaves the target alone", "[object]") {
    for (const char* operation :
         {R"({"op":"test","path":"/a","value":2})", R"({"op":"remove","path":"/x"})",
          R"({"op":"add","path":"/x/y","value":1})", R"({"op":"add","path":"/l/5","value":1})",
          R"({"op":"replace","path":"/l/0","value":1})",
          R"({"op":"copy","from":"/x/y","path":"/y"})", R"({"op":"jump","path":"/a"})",
          R"({"op":"move","from":"/x","path":"/y"})", R"({"op":"add"})",
          R"({"op":"add","path":"a","value":1})", R"({"op":"add","path":"/l/01","value":1})",
          R"({"op":"remove","path":""})"}) {
        json::Value value = parse_json(R"({"a":1,"l":[]})");
        const std::string patch =
            R"([{"op":"add","path":"/z","value":1},)" + std::string(operation) + "]";
        const auto result = json_patch(value, parse_json(patch));
        INFO(operation);
        REQUIRE_FALSE(result);
        CHECK(result.error().code() == ErrorCode::conflict);
        CHECK(value.dump() == R"({"a":1,"l":[]})");
    }
    CHECK(patched("{}", R"({"op":"add"})") == to_string(ErrorCode::invalid_argument));
    CHECK(patched("{}", R"([1])") == to_string(ErrorCode::invalid_argument));
}

TEST_CASE("json patch: operations, copies and depth are limited", "[object]") {
    json::Value patch = json::Value::make_array();
    const json::Value doubling = parse_json(R"({"op":"copy","from":"","path":"/x"})");
    for (int i = 0; i < 64; ++i) {
        patch.push_back(doubling);
    }
    json::Value value = parse_json(R"({"a":")" + std::string(100'000, 'a') + R"("})");
    CHECK(json_patch(value, patch).error().code() == ErrorCode::conflict);

    json::Value deepening = json::Value::make_array();
    for (int i = 0; i < 200; ++i) {
        deepening.push_back(doubling);
    }
    value = parse_json("{}");
    CHECK(json_patch(value, deepening).error().code() == ErrorCode::conflict);

    json::Value many = json::Value::make_array();
    for (std::size_t i = 0; i <= kMaxJsonPatchOperations; ++i) {
        many.push_back(doubling);
    }
    CHECK(json_patch(value, many).error().code() == ErrorCode::resource_exhausted);
}
