// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/listed_object.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace farhold;
using namespace farhold::views;

namespace {

std::shared_ptr<const json::Value> object(const std::string& text) {
    return std::make_shared<const json::Value>(json::Value::parse(text).value());
}

}  // namespace

TEST_CASE("listed_object: an item without a kind reads like the object itself", "[views]") {
    const auto whole = object(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}})");
    CHECK(with_kind(whole, "Pod") == whole);
    CHECK(with_kind(object(R"({"metadata":{"name":"a"}})"), "Pod")->dump() == whole->dump());
}

TEST_CASE("listed_object: metadata is of the kind that was asked for", "[views]") {
    const auto partial = object(
        R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a"}})"
    );
    CHECK(
        with_kind(partial, "Secret")->dump() ==
        R"({"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"}})"
    );
}

TEST_CASE("listed_object: an identity is what tells objects apart", "[views]") {
    const auto whole = object(
        R"({"metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"7","labels":{"l":"v"}},)"
        R"("data":{"k":"v"}})"
    );
    CHECK(
        identity_of(*whole, "Secret").dump() ==
        R"({"kind":"Secret","metadata":{"namespace":"n","name":"a","uid":"u","resourceVersion":"7"}})"
    );
}
