// SPDX-License-Identifier: Apache-2.0
//
// CustomResourceDefinitions, and what is asked of the resources that they define.
#include "test_api.hpp"

namespace farhold::api_behaviour {
namespace {

const std::string kDefinitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const std::string kWidgets = "/apis/example.org/v1/namespaces/default/widgets";
const std::string kTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

const std::string kSchema = R"({"type":"object","properties":{
    "spec":{"type":"object","required":["size"],"properties":{
        "size":{"type":"integer","minimum":1,"maximum":9},
        "mode":{"type":"string","enum":["fast","slow"],"default":"slow"},
        "name":{"type":"string","maxLength":5,"pattern":"^[a-z]*$"},
        "port":{"x-kubernetes-int-or-string":true},
        "when":{"type":"string","format":"date-time"},
        "tags":{"type":"array","x-kubernetes-list-type":"set","maxItems":3,"items":{"type":"string"}},
        "parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["id"],
            "items":{"type":"object","required":["id"],"properties":{
                "id":{"type":"string"},"weight":{"type":"number"}}}},
        "labels":{"type":"object","additionalProperties":{"type":"string"}},
        "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
        "note":{"type":"string","nullable":true}}},
    "status":{"type":"object","properties":{"ready":{"type":"boolean"}}}}})";

std::string definition(const std::string& schema = kSchema, const std::string& more = "") {
    return R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
        "metadata":{"name":"widgets.example.org"},"spec":{"group":"example.org","scope":"Namespaced",
        "names":{"plural":"widgets","kind":"Widget","shortNames":["wd"],"categories":["all"]},
        "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":)" +
           schema + "}" + more + "}]}}";
}

const std::string kColumns = R"(,"subresources":{"status":{}},"additionalPrinterColumns":[
    {"name":"Size","type":"integer","jsonPath":".spec.size"},
    {"name":"Mode","type":"string","jsonPath":".spec.mode","priority":1},
    {"name":"First","type":"string","jsonPath":".spec.parts[0].id"},
    {"name":"Heavy","type":"number","jsonPath":".spec.parts[?(@.id==\"b\")].weight"},
    {"name":"Wrong","type":"boolean","jsonPath":".spec.size"},
    {"name":"When","type":"date","jsonPath":".spec.when"}])";

std::string widget(const std::string& name, const std::string& spec) {
    return R"({"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":")" + name +
           R"("},"spec":)" + spec + "}";
}

bool is_established(TestApi& api, const std::string& name) {
    const Answer answer = api.get(kDefinitions + "/" + name);
    for (const json::Value& condition : answer.body.elements_at({"status", "conditions"})) {
        if (condition.text_at({"type"}) == "Established") {
            return condition.text_at({"status"}) == "True";
        }
    }
    return false;
}

void serve_widgets(TestApi& api, const std::string& text) {
    REQUIRE(api.post(kDefinitions, text).code == 201);
    api.wait_until_served(kWidgets);
    REQUIRE(is_established(api, "widgets.example.org"));
}

}  // namespace

TEST_CASE("custom resources: objects are pruned, defaulted and counted", "[api][crd]") {
    TestApi api;
    serve_widgets(api, definition(kSchema, kColumns));
    const Answer made = api.post(
        kWidgets,
        widget(
            "w", R"({"size":3,"colour":"red","free":{"x":{"y":1}},"labels":{"a":"b"},"note":null})"
        )
    );
    CHECK(made.code == 201);
    CHECK(made.text_at({"spec", "mode"}) == "slow");
    CHECK(made.body.at_path({"spec", "colour"}) == nullptr);
    CHECK(made.body.at_path({"spec", "free", "x", "y"}) != nullptr);
    check_each(
        api,
        {
            {"PATCH", kWidgets + "/w", R"({"spec":{"size":4}})", 200, ""},
            {"PATCH", kWidgets + "/w", R"({"spec":{"size":4}})", 200, ""},
            {"PATCH", kWidgets + "/w", R"({"status":{"ready":true}})", 200, ""},
            {"PATCH", kWidgets + "/w/status", R"({"status":{"ready":true},"spec":{"size":9}})", 200,
             ""},
            {"PATCH", kWidgets + "/w/status", R"({"status":{"ready":"yes"}})", 422,
             "Widget.example.org \"w\" is invalid: status.ready: Invalid value: \"string\": "
             "ready in body must be of type boolean: \"string\""},
            {"GET", kWidgets + "/w", "", 200, ""},
            {"GET", kWidgets, "", 200, ""},
            {"GET", "/apis/example.org/v1/widgets", "", 200, ""},
            {"GET", kWidgets + "/none", "", 404, "widgets.example.org \"none\" not found"},
            {"DELETE", kWidgets + "/w", "", 200, ""},
        }
    );
}

TEST_CASE("custom resources: what breaks the schema is refused", "[api][crd]") {
    TestApi api;
    serve_widgets(api, definition(kSchema, kColumns));
    const auto refused = [](const std::string& spec, const std::string& why) {
        return Expected{
            "POST", kWidgets, widget("w", spec), 422, "Widget.example.org \"w\" is invalid: " + why
        };
    };
    check_each(
        api,
        {
            refused(
                R"({"size":0})",
                "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to "
                "1"
            ),
            refused(
                R"({"size":10})",
                "spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9"
            ),
            refused(
                R"({"size":"3"})",
                "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: "
                "\"string\""
            ),
            refused(R"({})", "spec.size: Required value"),
            refused(
                R"({"size":1,"mode":"x"})",
                "spec.mode: Unsupported value: \"x\": supported values: \"fast\", \"slow\""
            ),
            refused(
                R"({"size":1,"name":"A"})",
                "spec.name: Invalid value: \"A\": spec.name in body should match '^[a-z]*$'"
            ),
            refused(
                R"({"size":1,"name":"abcdef"})", "spec.name: Too long: may not be more than 5 bytes"
            ),
            refused(
                R"({"size":1,"when":"now"})",
                "spec.when: Invalid value: \"now\": spec.when in body must be of type date-time: "
                "\"now\""
            ),
            refused(R"({"size":1,"tags":["a","a"]})", "spec.tags[1]: Duplicate value: \"a\""),
            refused(
                R"({"size":1,"tags":["a","b","c","d"]})",
                "spec.tags: Too many: 4: must have at most 3 items"
            ),
            refused(
                R"({"size":1,"parts":[{"id":"a"},{"weight":1}]})",
                "spec.parts[1].id: Required value"
            ),
            refused(
                R"({"size":1,"labels":{"a":1}})",
                "spec.labels.a: Invalid value: \"integer\": spec.labels.a in body must be of type "
                "string: \"integer\""
            ),
        }
    );
    CHECK(api.post(kWidgets, widget("w", R"({"size":1,"port":8080})")).code == 201);
    CHECK(api.post(kWidgets, widget("x", R"({"size":1,"port":"http"})")).code == 201);
    CHECK(api.post(kWidgets, widget("y", R"({"size":1,"port":true})")).code == 422);
    CHECK(
        api.post(kWidgets, widget("y", R"({"size":1,"parts":[{"id":"a"},{"id":"a"}]})")).code == 422
    );
}

TEST_CASE("custom resources: unknown fields are told as the client wants it", "[api][crd]") {
    TestApi api;
    serve_widgets(api, definition());
    const std::string body = widget("w", R"({"size":1,"colour":"red"})");
    const Answer strict = api.post(kWidgets + "?fieldValidation=Strict", body);
    CHECK(strict.code == 400);
    CHECK(strict.message().ends_with("strict decoding error: unknown field \"spec.colour\""));
    CHECK(api.post(kWidgets + "?fieldValidation=Warn&dryRun=All", body).code == 201);
    CHECK(api.post(kWidgets + "?fieldValidation=Ignore", body).code == 201);
}

TEST_CASE("custom resources: bodies of another kind or version are refused", "[api][crd]") {
    TestApi api;
    serve_widgets(api, definition());
    const auto code = [&api](const std::string& body) { return api.post(kWidgets, body).code; };
    CHECK(code(R"({"kind":"Widget","metadata":{"name":"w"},"spec":{"size":1}})") == 400);
    CHECK(
        code(R"({"apiVersion":"example.org/v2","kind":"Widget","metadata":{"name":"w"}})") == 400
    );
    CHECK(
        code(
            R"({"apiVersion":"example.org/v1","kind":"Gadget","metadata":{"name":"w"},"spec":{"size":1}})"
        ) == 422
    );
    Question put = api.question("PUT", kWidgets + "/w", widget("w", R"({"size":2})"));
    REQUIRE(code(widget("w", R"({"size":1})")) == 201);
    CHECK(api.ask(put).code == 422);
}

TEST_CASE("custom resources: a Table has the columns of the definition", "[api][crd]") {
    TestApi api;
    serve_widgets(api, definition(kSchema, kColumns));
    REQUIRE(
        api.post(kWidgets, widget("w", R"({"size":3,"when":"2020-01-01T00:00:00Z","parts":[
                                 {"id":"a","weight":1},{"id":"b","weight":2.5}]})"))
            .code == 201
    );
    REQUIRE(api.post(kWidgets, widget("x", R"({"size":1})")).code == 201);
    api.accept = kTable;
    const Answer table = api.get(kWidgets);
    REQUIRE(table.body.elements_at({"rows"}).size() == 2);
    CHECK(
        table.body.elements_at({"rows"})[1].find("cells")->dump() ==
        R"(["x",1,"slow",null,null,null,null])"
    );
}

TEST_CASE("definitions: they say what they became", "[api][crd]") {
    TestApi api;
    serve_widgets(api, definition());
    CHECK(api.get("/apis/example.org/v1").code == 200);
    const Answer defined = api.get(kDefinitions + "/widgets.example.org");
    CHECK(defined.text_at({"spec", "names", "singular"}) == "widget");
    CHECK(defined.text_at({"status", "acceptedNames", "listKind"}) == "WidgetList");
    CHECK(api.remove(kDefinitions + "/widgets.example.org").code == 200);
}

TEST_CASE("definitions: what cannot be served is refused", "[api][crd]") {
    TestApi api;
    const auto code = [&api](const std::string& text) { return api.post(kDefinitions, text).code; };
    const auto changed = [](const std::string& what, const std::string& by) {
        std::string text = definition();
        text.replace(text.find(what), what.size(), by);
        return text;
    };
    CHECK(code(changed(R"("name":"widgets.example.org")", R"("name":"w.example.org")")) == 422);
    CHECK(code(changed(R"("scope":"Namespaced")", R"("scope":"Everywhere")")) == 422);
    CHECK(code(changed(R"("storage":true)", R"("storage":false)")) == 422);
    CHECK(code(definition(R"({"type":"string"})")) == 422);
    CHECK(code(definition(R"({"type":"object","properties":{"spec":{"properties":{}}}})")) == 422);
    CHECK(
        code(definition(R"({"type":"object","properties":{"spec":{"type":"string","pattern":"("}}})"
        )) == 422
    );
    CHECK(code(definition(R"({"type":"object","properties":{"spec":{"type":"array"}}})")) == 422);
    CHECK(
        code(definition(R"({"type":"object","properties":{"a":{"type":"integer","default":"x"}}})")
        ) == 422
    );
}

}  // namespace farhold::api_behaviour
