// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/field_selection.hpp"
#include "schema_fixture.hpp"

using namespace farhold;
using namespace farhold::kubeschema;

namespace {

bool selects(std::string_view kind, std::string_view selector, std::string_view object) {
    const auto parsed = object::FieldSelector::parse(selector);
    REQUIRE(parsed);
    REQUIRE(check_field_selector(type_of(kind), *parsed));
    return matches_field_selector(type_of(kind), *parsed, parse_json(object));
}

std::string refusal(std::string_view kind, std::string_view selector) {
    const auto checked =
        check_field_selector(type_of(kind), *object::FieldSelector::parse(selector));
    return checked ? "" : checked.error().message();
}

}  // namespace

TEST_CASE("field selection: paths, negation and absent fields", "[kubeschema]") {
    constexpr std::string_view kPod =
        R"({"metadata":{"name":"p"},"spec":{"nodeName":"n"},"status":{"phase":"Running"}})";
    CHECK(selects("Pod", "spec.nodeName=n,status.phase!=Failed", kPod));
    CHECK_FALSE(selects("Pod", "spec.nodeName=m", kPod));
    CHECK(selects("Pod", "status.podIP=", kPod));
    CHECK(selects("Pod", "spec.hostNetwork=false", kPod));
    CHECK(selects("Node", "spec.unschedulable=true", R"({"spec":{"unschedulable":true}})"));
    CHECK(selects("Event", "source=x", R"({"source":{"component":"x"}})"));
    CHECK(selects("Event", "involvedObject.namespace=", R"({"involvedObject":{"kind":"Node"}})"));
}

TEST_CASE("field selection: other paths are refused in Kubernetes' words", "[kubeschema]") {
    CHECK(refusal("Pod", "spec.foo=x") == "field label not supported: spec.foo");
    CHECK(
        refusal("ConfigMap", "data=x") ==
        "\"data\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
    );
    CHECK_FALSE(refusal("Node", "metadata.namespace=x").empty());
    CHECK(refusal("ConfigMap", "metadata.name=x,metadata.namespace=y").empty());
}
