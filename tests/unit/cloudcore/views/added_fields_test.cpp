// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/added_fields.hpp"

#include "tests/support/catch.hpp"

#include <string_view>
#include <vector>

using farhold::views::differ_by_defaults;

namespace {

struct Pair {
    const char* what;
    std::string_view left;
    std::string_view right;
};

}  // namespace

TEST_CASE("added_fields: what a server fills in is no other content", "[views]") {
    const std::vector<Pair> pairs{
        {"a field", R"({"spec":{"a":1}})", R"({"spec":{"a":1,"new":"default"}})"},
        {"a whole part", R"({"kind":"Secret"})", R"({"kind":"Secret","type":"Opaque"})"},
        {"within a list", R"({"spec":{"c":[{"name":"x"},{"name":"y"}]}})",
         R"({"spec":{"c":[{"name":"x","p":{"q":[1]}},{"name":"y"}]}})"},
        {"other fields of each", R"({"spec":{"a":1,"old":true}})", R"({"spec":{"new":2,"a":1}})"},
        {"another order", R"({"metadata":{"a":1,"b":2}})", R"({"metadata":{"b":2,"a":1}})"},
    };
    for (const Pair& pair : pairs) {
        INFO(pair.what);
        CHECK(differ_by_defaults(pair.left, pair.right));
        CHECK(differ_by_defaults(pair.right, pair.left));
    }
}

TEST_CASE("added_fields: what people have changed is another content", "[views]") {
    const std::vector<Pair> pairs{
        {"a value", R"({"spec":{"a":1}})", R"({"spec":{"a":2,"new":1}})"},
        {"a type", R"({"spec":{"a":1}})", R"({"spec":{"a":{}}})"},
        {"a list that grew", R"({"spec":{"t":[1]}})", R"({"spec":{"t":[1,2]}})"},
        {"within a list", R"({"spec":{"c":[{"image":"x"}]}})", R"({"spec":{"c":[{"image":"y"}]}})"},
        {"a label", R"({"metadata":{"labels":{"a":"1"}}})",
         R"({"metadata":{"labels":{"a":"1","b":"2"}}})"},
        {"the first annotation", R"({"metadata":{"name":"n"}})",
         R"({"metadata":{"name":"n","annotations":{"a":"1"}}})"},
        {"a key of a ConfigMap", R"({"data":{"a":"1"}})", R"({"data":{"a":"1","b":"2"}})"},
        {"the first key", R"({"kind":"ConfigMap"})", R"({"kind":"ConfigMap","data":{"a":"1"}})"},
        {"bytes", R"({"binaryData":{}})", R"({"binaryData":{"b":"MQ=="}})"},
        {"nothing that can be read", "{}", "{"},
    };
    for (const Pair& pair : pairs) {
        INFO(pair.what);
        CHECK_FALSE(differ_by_defaults(pair.left, pair.right));
        CHECK_FALSE(differ_by_defaults(pair.right, pair.left));
    }
}
