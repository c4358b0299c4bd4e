// SPDX-License-Identifier: Apache-2.0
#include "common/object/metadata.hpp"

#include "common/object/object_key.hpp"
#include "parse_json.hpp"

using namespace farhold;
using namespace farhold::object;

TEST_CASE("object: metadata is read and missing metadata is empty", "[object]") {
    const json::Value pod = parse_json(R"({"apiVersion":"v1","kind":"Pod","metadata":{
        "name":"a","namespace":"d","uid":"u","resourceVersion":"7","generation":2,
        "labels":{"x":"y"},"finalizers":["f/1"],
        "ownerReferences":[{
        "apiVersion":"v1","kind":"Node","name":"n","uid":"o","controller":true}]},
        "status":{"conditions":[{"type":"Ready","status":"True"}]}})");
    CHECK(name(pod) == "a");
    CHECK(ns(pod) == "d");
    CHECK(uid(pod) == "u");
    CHECK(resource_version(pod) == "7");
    CHECK(generation(pod) == 2);
    CHECK(label(pod, "x") == "y");
    CHECK_FALSE(label(pod, "z"));
    CHECK(annotations(pod) == nullptr);
    CHECK_FALSE(is_deleting(pod));
    CHECK(finalizers(pod) == std::vector<std::string>{"f/1"});
    REQUIRE(owner_references(pod).size() == 1);
    CHECK(owner_references(pod)[0].controller);
    CHECK(condition_is_true(pod, "Ready"));
    CHECK_FALSE(condition_is_true(pod, "Initialized"));
    CHECK(name(parse_json("[]")).empty());
    CHECK(finalizers(parse_json(R"({"metadata":{"finalizers":"x"}})")).empty());
}

TEST_CASE("object: labels and annotations are created when there were none", "[object]") {
    json::Value object;
    set_annotation(object, "a/b", "1");
    set_label(object, "l", "2");
    CHECK(object.dump() == R"({"metadata":{"annotations":{"a/b":"1"},"labels":{"l":"2"}}})");
}

TEST_CASE("object: keys have a text form with and without a namespace", "[object]") {
    for (const char* text : {"Pod/default/hello", "Node//edge-1"}) {
        const auto key = ObjectKey::parse(text);
        REQUIRE(key);
        CHECK(key->text() == text);
    }
    for (const char* text : {"", "Pod", "Pod/a", "/a/b", "Pod/a/", "Pod/a/b/c"}) {
        CHECK_FALSE(ObjectKey::parse(text));
    }
}
