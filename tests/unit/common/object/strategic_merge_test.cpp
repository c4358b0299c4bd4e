// SPDX-License-Identifier: Apache-2.0
#include "common/object/patch.hpp"
#include "parse_json.hpp"

using namespace farhold;
using namespace farhold::object;

namespace {

// "containers" merge by name, "env" in them too, "finalizers" are a set; all else is atomic.
class Rules final : public PatchSchema {
public:
    PatchField patch_field(std::string_view name) const override {
        if (name == "containers" || name == "env") {
            return {.merge = true, .merge_key = "name", .schema = this};
        }
        if (name == "finalizers") {
            return {.merge = true};
        }
        return {.schema = this};
    }
};

std::string merged(std::string_view target, std::string_view patch) {
    json::Value value = parse_json(target);
    const auto result = strategic_merge_patch(value, parse_json(patch), Rules());
    return result ? value.dump() : result.error().message();
}

}  // namespace

TEST_CASE("strategic merge: elements merge by key, other lists are replaced", "[object]") {
    CHECK(
        merged(
            R"({"containers":[{"name":"a","image":"1","args":["x"]},{"name":"b"}]})",
            R"({"containers":[{"name":"a","image":"2","args":["y"]}]})"
        ) == R"({"containers":[{"name":"a","image":"2","args":["y"]},{"name":"b"}]})"
    );
    CHECK(
        merged(R"({"finalizers":["a","b"]})", R"({"finalizers":["b","c"]})") ==
        R"({"finalizers":["a","b","c"]})"
    );
    CHECK(
        merged(R"({"m":{"x":1,"y":2}})", R"({"m":{"x":null,"z":3}})") == R"({"m":{"y":2,"z":3}})"
    );
}

TEST_CASE("strategic merge: a new element comes before those the patch does not name", "[object]") {
    CHECK(
        merged(R"({"containers":[{"name":"a"}]})", R"({"containers":[{"name":"new"}]})") ==
        R"({"containers":[{"name":"new"},{"name":"a"}]})"
    );
}

TEST_CASE("strategic merge: $patch deletes, replaces and merges", "[object]") {
    CHECK(
        merged(
            R"({"containers":[{"name":"a"},{"name":"b"}]})",
            R"({"containers":[{"name":"a","$patch":"delete"}]})"
        ) == R"({"containers":[{"name":"b"}]})"
    );
    CHECK(
        merged(
            R"({"containers":[{"name":"a"},{"name":"b"}]})",
            R"({"containers":[{"name":"c"},{"$patch":"replace"}]})"
        ) == R"({"containers":[{"name":"c"}]})"
    );
    CHECK(merged(R"({"m":{"x":1}})", R"({"m":{"$patch":"replace","y":2}})") == R"({"m":{"y":2}})");
    CHECK(
        merged(R"({"m":{"x":1}})", R"({"m":{"$patch":"merge","y":2}})") == R"({"m":{"x":1,"y":2}})"
    );
    CHECK(merged(R"({"m":{"x":1}})", R"({"m":{"$patch":"delete"}})") == R"({"m":{}})");
}

TEST_CASE("strategic merge: kubectl's element order is kept, nested too", "[object]") {
    CHECK(
        merged(
            R"({"containers":[{"name":"c","env":[{"name":"B","value":"1"}]},{"name":"server"}]})",
            R"({"$setElementOrder/containers":[{"name":"d"},{"name":"c"}],"containers":[)"
            R"({"name":"c","$setElementOrder/env":[{"name":"A"},{"name":"B"}],)"
            R"("env":[{"name":"A","value":"2"}]},{"name":"d"}]})"
        ) == R"({"containers":[{"name":"d"},{"name":"c","env":[{"name":"A","value":"2"},)"
             R"({"name":"B","value":"1"}]},{"name":"server"}]})"
    );
    CHECK(
        merged(R"({"finalizers":["a","b","c"]})", R"({"$setElementOrder/finalizers":["c","a"]})") ==
        R"({"finalizers":["b","c","a"]})"
    );
}

TEST_CASE("strategic merge: primitive deletions and retained keys", "[object]") {
    CHECK(
        merged(
            R"({"finalizers":["a","b"]})",
            R"({"$deleteFromPrimitiveList/finalizers":["a","z"],"finalizers":["c"]})"
        ) == R"({"finalizers":["c","b"]})"
    );
    CHECK(
        merged(
            R"({"strategy":{"type":"R","rolling":{"x":1}}})",
            R"({"strategy":{"$retainKeys":["type"],"type":"Q"}})"
        ) == R"({"strategy":{"type":"Q"}})"
    );
}

TEST_CASE("strategic merge: what is added carries no nulls and no directives", "[object]") {
    CHECK(
        merged(
            R"({})", R"({"containers":[{"name":"a","x":null,"env":[{"name":"E"}],)"
                     R"("$setElementOrder/env":[{"name":"E"}]}],"m":{"a":null,)"
                     R"("b":{"$patch":"replace","c":1}}})"
        ) == R"({"containers":[{"name":"a","env":[{"name":"E"}]}],"m":{"b":{"c":1}}})"
    );
}

TEST_CASE("strategic merge: wrong directives and missing keys are errors", "[object]") {
    CHECK(merged(R"({"m":{}})", R"({"m":{"$patch":"foo"}})")
              .starts_with("unknown patch type: foo in map: "));
    CHECK(
        merged(R"({"containers":[]})", R"({"containers":[{"image":"c"}]})") ==
        "map: map[image:c] does not contain declared merge key: name"
    );
    json::Value list = parse_json("[]");
    CHECK_FALSE(strategic_merge_patch(list, parse_json("{}"), Rules()));
}
