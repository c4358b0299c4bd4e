// SPDX-License-Identifier: Apache-2.0
#include "common/tunnel/content.hpp"

#include "tests/support/catch.hpp"

using farhold::json::Value;
using farhold::tunnel::content_hash;
using farhold::tunnel::make_content;

namespace {

farhold::tunnel::Content content_of(const char* text) {
    return make_content(Value::parse(text).value());
}

}  // namespace

TEST_CASE("content: what changes without meaning for the machine is left out", "[content]") {
    const auto content = content_of(
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"default","uid":"1",)"
        R"("resourceVersion":"7","managedFields":[{}],"annotations":{"farhold.io/report":"1.2",)"
        R"("mine":"x"},"labels":{"l":"v"}},"spec":{"n":1.0},"status":{"phase":"Running"}})"
    );
    CHECK(
        content.text ==
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"default",)"
        R"("annotations":{"mine":"x"},"labels":{"l":"v"}},"spec":{"n":1.0}})"
    );
    CHECK(content.hash == content_hash(content.text));
    CHECK(content.hash.size() == 16);
}

TEST_CASE("content: our first report mark changes nothing", "[content]") {
    const auto before = content_of(R"({"metadata":{"name":"a","uid":"1"},"spec":{}})");
    const auto after = content_of(
        R"({"metadata":{"name":"a","uid":"2","annotations":{"farhold.io/report":"9.9"}},"spec":{},)"
        R"("status":{}})"
    );
    CHECK(before.hash == after.hash);
}

TEST_CASE("content: that a pod has ended is told, and nothing else of its status", "[content]") {
    const auto of_kind = [](const std::string& kind, const std::string& phase) {
        return content_of((R"({"kind":")" + kind + R"(","status":{"phase":")" + phase +
                           R"(","podIP":"10.0.0.1"}})")
                              .c_str())
            .text;
    };
    CHECK(of_kind("Pod", "Running") == R"({"kind":"Pod"})");
    CHECK(of_kind("Pod", "Failed") == R"({"kind":"Pod","status":{"phase":"Failed"}})");
    CHECK(of_kind("Pod", "Succeeded") == R"({"kind":"Pod","status":{"phase":"Succeeded"}})");
    CHECK(of_kind("Node", "Failed") == R"({"kind":"Node"})");
}

TEST_CASE("content: deletion and spec changes show", "[content]") {
    const auto base = content_of(R"({"metadata":{"name":"a"},"spec":{"x":1}})");
    CHECK(base.hash != content_of(R"({"metadata":{"name":"a"},"spec":{"x":2}})").hash);
    CHECK(
        base.hash !=
        content_of(R"({"metadata":{"name":"a","deletionTimestamp":"t"},"spec":{"x":1}})").hash
    );
}
