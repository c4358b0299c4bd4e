// SPDX-License-Identifier: Apache-2.0
//
// What a CustomResourceDefinition makes the API do, at once. How the answers read is compared with a
// real server in tests/kubernetes/api_behaviour.
#include "common/kuberest/definitions.hpp"
#include "test_api.hpp"

namespace farhold::kuberest {
namespace {

constexpr std::string_view kDefinitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
constexpr std::string_view kWidgets = "/apis/example.org/v1/namespaces/default/widgets";

std::string definition(std::string_view plural = "widgets", std::string_view kind = "Widget") {
    json::Value object = json::Value::parse(R"({
        "metadata": {},
        "spec": {"group": "example.org", "scope": "Namespaced", "names": {},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "additionalPrinterColumns": [
                    {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
                    {"name": "Ready", "type": "string",
                     "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}],
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "required": ["size"], "properties": {
                        "size": {"type": "integer", "minimum": 1},
                        "mode": {"type": "string", "enum": ["fast", "slow"], "default": "slow"}}},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}]}}
    )")
                             .value();
    object.ensure_path({"metadata", "name"}) =
        json::Value::of(std::string(plural) + ".example.org");
    json::Value& names = object.ensure_path({"spec", "names"});
    names.set("plural", json::Value::of(plural));
    names.set("kind", json::Value::of(kind));
    return object.dump();
}

std::string widget(std::string_view spec, std::string_view name = "w") {
    return R"({"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":")" +
           std::string(name) + R"("},"spec":)" + std::string(spec) + "}";
}

std::string condition(const Answer& answer, std::string_view type) {
    for (const json::Value& entry : answer.body.elements_at({"status", "conditions"})) {
        if (entry.text_at({"type"}) == type) {
            return std::string(entry.text_at({"status"}));
        }
    }
    return "none";
}

}  // namespace

TEST_CASE("custom resources: served as soon as their definition is there", "[kuberest][crd]") {
    TestApi api;
    CHECK(api.get(kWidgets).code == 404);
    REQUIRE(api.post(kDefinitions, definition()).code == 201);
    const Answer defined = api.get(std::string(kDefinitions) + "/widgets.example.org");
    CHECK(condition(defined, "NamesAccepted") == "True");
    CHECK(condition(defined, "Established") == "True");
    CHECK(api.get(kWidgets).code == 200);
    CHECK(api.get("/apis/example.org/v1").body.elements_at({"resources"}).size() == 1);

    const Answer made = api.post(kWidgets, widget(R"({"size":3,"colour":"red"})"));
    REQUIRE(made.code == 201);
    CHECK(made.text({"spec", "mode"}) == "slow");
    CHECK(made.body.at_path({"spec", "colour"}) == nullptr);
    CHECK(made.body.integer_at({"metadata", "generation"}) == 1);

    const Answer wrong = api.post(kWidgets, widget(R"({"size":0})", "x"));
    CHECK(wrong.code == 422);
    CHECK(
        wrong.message() ==
        "Widget.example.org \"x\" is invalid: spec.size: Invalid value: 0: spec.size in body "
        "should "
        "be greater than or equal to 1"
    );
}

TEST_CASE(
    "custom resources: a name that is taken is not accepted until it is free", "[kuberest][crd]"
) {
    TestApi api;
    REQUIRE(api.post(kDefinitions, definition()).code == 201);
    REQUIRE(api.post(kDefinitions, definition("gadgets", "Widget")).code == 201);
    const std::string gadgets = std::string(kDefinitions) + "/gadgets.example.org";
    CHECK(condition(api.get(gadgets), "NamesAccepted") == "False");
    CHECK(condition(api.get(gadgets), "Established") == "False");
    CHECK(api.get("/apis/example.org/v1/namespaces/default/gadgets").code == 404);
    REQUIRE(api.remove(std::string(kDefinitions) + "/widgets.example.org").code == 200);
    CHECK(condition(api.get(gadgets), "Established") == "True");
    CHECK(api.get("/apis/example.org/v1/namespaces/default/gadgets").code == 200);
}

TEST_CASE("custom resources: a definition goes after its last instance", "[kuberest][crd]") {
    TestApi api;
    const std::string name = std::string(kDefinitions) + "/widgets.example.org";
    REQUIRE(api.post(kDefinitions, definition()).code == 201);
    REQUIRE(api.post(kWidgets, widget(R"({"size":1})", "free")).code == 201);
    json::Value held = json::Value::parse(widget(R"({"size":1})", "held")).value();
    held.ensure_path({"metadata"})
        .set("finalizers", json::Value::make_array({json::Value::of("example.org/hold")}));
    REQUIRE(api.post(kWidgets, held.dump()).code == 201);

    REQUIRE(api.remove(name).code == 200);
    CHECK(condition(api.get(name), "Terminating") == "True");
    CHECK(api.get(std::string(kWidgets) + "/free").code == 404);
    CHECK(api.get(std::string(kWidgets) + "/held").code == 200);
    CHECK(api.post(kWidgets, widget(R"({"size":1})", "late")).code == 405);

    REQUIRE(
        api.patch(
               std::string(kWidgets) + "/held", "merge-patch", R"({"metadata":{"finalizers":null}})"
        )
            .code == 200
    );
    CHECK(api.get(name).code == 404);
    CHECK(api.get(kWidgets).code == 404);
}

TEST_CASE("custom resources: the registry follows the store after a rollback", "[kuberest][crd]") {
    TestApi api;
    static_cast<void>(api.api.handle(api.request("POST", kDefinitions, definition()), api.now));
    CHECK(api.api.handle(api.request("GET", kWidgets), api.now).code == 200);
    api.store->rollback();
    api.api.forget_definitions();
    CHECK(api.get(kWidgets).code == 404);
}

}  // namespace farhold::kuberest
