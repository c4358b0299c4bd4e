// SPDX-License-Identifier: Apache-2.0
#include "common/object/metadata.hpp"
#include "test_api.hpp"

#include <cstdlib>

namespace farhold::api_behaviour {

TEST_CASE("create: the server gives identity, time, generation and revision", "[api]") {
    TestApi api;
    const Answer created = api.post(kPods, pod("a"));
    REQUIRE(created.code == 201);
    CHECK(created.text_at({"kind"}) == "Pod");
    CHECK(created.text_at({"apiVersion"}) == "v1");
    CHECK(created.text_at({"metadata", "namespace"}) == "default");
    CHECK(created.text_at({"metadata", "uid"}).size() == 36);
    CHECK(std::abs(api.until(created.text_at({"metadata", "creationTimestamp"})).count()) <= 2);
    CHECK(created.revision() == api.get(kPods + "/a").revision());
    CHECK(created.body.integer_at({"metadata", "generation"}) == 1);
    CHECK(created.text_at({"status", "phase"}) == "Pending");
    CHECK(api.get(kPods + "/a").body == created.body);
}

TEST_CASE("create: a name is taken once, a generated one never", "[api]") {
    TestApi api;
    REQUIRE(api.post(kConfigMaps, config_map("a")).code == 201);
    const Answer again = api.post(kConfigMaps, config_map("a"));
    CHECK(again.code == 409);
    CHECK(again.reason() == "AlreadyExists");
    CHECK(again.message() == "configmaps \"a\" already exists");
    CHECK(again.text_at({"details", "kind"}) == "configmaps");

    const std::string generated = R"({"metadata":{"generateName":"x-"}})";
    const std::string first = api.post(kConfigMaps, generated).text_at({"metadata", "name"});
    const std::string second = api.post(kConfigMaps, generated).text_at({"metadata", "name"});
    CHECK(first.size() == 7);
    CHECK(first.starts_with("x-"));
    CHECK(first != second);
}

TEST_CASE("create: the namespace must exist and agree", "[api]") {
    TestApi api;
    const Answer missing = api.post("/api/v1/namespaces/none/configmaps", config_map("a"));
    CHECK(missing.code == 404);
    CHECK(missing.message() == "namespaces \"none\" not found");

    const Answer other = api.post(kConfigMaps, R"({"metadata":{"name":"a","namespace":"other"}})");
    CHECK(other.code == 400);
    CHECK(
        other.message() ==
        "the namespace of the provided object does not match the namespace sent on the request"
    );
}

TEST_CASE("create: nothing new comes into a namespace that is going away", "[api]") {
    TestApi api;
    api.post("/api/v1/namespaces", R"({"metadata":{"name":"old"}})");
    REQUIRE(api.remove("/api/v1/namespaces/old").text_at({"status", "phase"}) == "Terminating");
    const Answer refused = api.post("/api/v1/namespaces/old/configmaps", config_map("a"));
    CHECK(refused.code == 403);
    CHECK(
        refused.message() ==
        "configmaps \"a\" is forbidden: unable to create new content in namespace old because it "
        "is "
        "being terminated"
    );
    const json::Value* causes = refused.body.at_path({"details", "causes"});
    REQUIRE(causes != nullptr);
    CHECK(causes->array()[0].text_at({"reason"}) == "NamespaceTerminating");
}

TEST_CASE("create: what does not fit the kind is refused in Kubernetes' words", "[api]") {
    TestApi api;
    SECTION("a body that is not JSON") {
        const Answer answer = api.post(kConfigMaps, "{");
        CHECK(answer.code == 400);
        CHECK(answer.message().starts_with(
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get "
            "version/kind; json parse error: "
        ));
    }
    SECTION("another kind") {
        const Answer answer =
            api.post(kPods, R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}})");
        CHECK(answer.code == 400);
        CHECK(
            answer.message() ==
            "ConfigMap in version \"v1\" cannot be handled as a Pod: converting "
            "(v1.ConfigMap) to (core.Pod): unknown conversion"
        );
    }
    SECTION("no name") {
        const Answer answer = api.post(kConfigMaps, R"({"metadata":{}})");
        CHECK(answer.code == 422);
        CHECK(answer.reason() == "Invalid");
        CHECK(answer.text_at({"details", "kind"}) == "ConfigMap");
        CHECK(
            answer.message().starts_with("ConfigMap \"\" is invalid: metadata.name: Required value")
        );
    }
    SECTION("an unknown field under Strict") {
        const Answer answer = api.post(kPods + "?fieldValidation=Strict", pod("a", R"(,"foo":1)"));
        CHECK(answer.code == 400);
        CHECK(
            answer.message() ==
            "Pod in version \"v1\" cannot be handled as a Pod: strict decoding "
            "error: unknown field \"spec.foo\""
        );
    }
    SECTION("faults come before a name that is taken") {
        api.post("/api/v1/namespaces/default/secrets", config_map("a"));
        const Answer answer = api.post(
            "/api/v1/namespaces/default/secrets", R"({"metadata":{"name":"a","labels":{"x":"/"}}})"
        );
        CHECK(answer.code == 422);
    }
    SECTION("a revision") {
        const Answer answer =
            api.post(kConfigMaps, R"({"metadata":{"name":"a","resourceVersion":"5"}})");
        CHECK(answer.code == 500);
        CHECK(answer.message() == "resourceVersion should not be set on objects to be created");
    }
    SECTION("a media type that we do not read") {
        Question text = api.question("POST", kConfigMaps, "metadata: {name: a}");
        text.content_type = "text/plain";
        const Answer answer = api.ask(text);
        CHECK(answer.code == 415);
        CHECK(answer.reason() == "UnsupportedMediaType");
    }
    CHECK(api.get(kConfigMaps).body.elements_at({"items"}).empty());
}

TEST_CASE("create: unknown fields are warned about and dropped by default", "[api]") {
    TestApi api;
    const Answer answer = api.post(kPods, pod("a", R"(,"foo":1)"));
    REQUIRE(answer.code == 201);
    CHECK(answer.body.at_path({"spec", "foo"}) == nullptr);
    REQUIRE(answer.headers.size() == 1);
    CHECK(answer.headers[0].first == "Warning");
    CHECK(answer.headers[0].second == R"(299 - "unknown field \"spec.foo\"")");
    CHECK(api.post(kPods + "?fieldValidation=Ignore", pod("b", R"(,"foo":1)")).headers.empty());
}

TEST_CASE("create: a dry run goes all the way and leaves nothing", "[api]") {
    TestApi api;
    const Answer answer = api.post(kConfigMaps + "?dryRun=All", config_map("a"));
    CHECK(answer.code == 201);
    CHECK(answer.revision().empty());
    CHECK_FALSE(answer.text_at({"metadata", "uid"}).empty());
    CHECK(api.get(kConfigMaps + "/a").code == 404);

    const Answer wrong = api.post(kConfigMaps + "?dryRun=x", config_map("a"));
    CHECK(wrong.code == 422);
    CHECK(
        wrong.message() ==
        "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: "
        "[\"x\"]: supported values: \"All\""
    );
}

TEST_CASE("create: kubectl's protobuf bodies are understood", "[api]") {
    TestApi api;
    // ConfigMap{metadata{name: "x"}, data{"k": "v"}} as kubectl 1.32 sends it, with empty fields.
    const std::string metadata(
        "\x0a\x01x\x12\x00\x1a\x00\x22\x00\x2a\x00\x32\x00\x38\x00\x42\x00", 17
    );
    std::string raw = "\x0a";
    raw += static_cast<char>(metadata.size());
    raw += metadata + std::string("\x12\x06\x0a\x01k\x12\x01v", 8);
    const std::string type(
        "\x0a\x02v1\x12\x09"
        "ConfigMap",
        15
    );
    std::string body("k8s\0\x0a", 5);
    body += static_cast<char>(type.size());
    body += type + "\x12";
    body += static_cast<char>(raw.size());
    body += raw;

    Question request = api.question("POST", kConfigMaps, body);
    request.content_type = "application/vnd.kubernetes.protobuf";
    const Answer answer = api.ask(request);
    REQUIRE(answer.code == 201);
    CHECK(answer.text_at({"data", "k"}) == "v");
    CHECK(answer.text_at({"metadata", "name"}) == "x");
}

TEST_CASE("create: a namespace carries its own name as a label", "[api]") {
    TestApi api;
    const Answer made = api.get("/api/v1/namespaces/default");
    CHECK(object::label(made.body, "kubernetes.io/metadata.name") == "default");
    CHECK(made.text_at({"status", "phase"}) == "Active");
    REQUIRE(made.body.at_path({"spec", "finalizers"}) != nullptr);
}

TEST_CASE("create: a pod is bound to a node once", "[api]") {
    TestApi api;
    api.post(kPods, pod("a"));
    const std::string path = kPods + "/a/binding";
    const std::string binding = R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":"a"},)"
                                R"("target":{"kind":"Node","name":"n"}})";
    const Answer bound = api.post(path, binding);
    CHECK(bound.code == 201);
    CHECK(bound.text_at({"status"}) == "Success");
    CHECK(api.get(kPods + "/a").text_at({"spec", "nodeName"}) == "n");

    const Answer again = api.post(path, binding);
    CHECK(again.code == 409);
    CHECK(again.message().starts_with(
        "Operation cannot be fulfilled on pods/binding \"a\": pod a is already assigned to node"
    ));
}

TEST_CASE("create: unknown and doubled fields are counted as the client wishes", "[api]") {
    TestApi api;
    const std::string doubled =
        R"({"metadata":{"name":"a","foo":1,"name":"a"},"spec":{"bar":{"x":1},"containers":)"
        R"([{"name":"c","image":"i:1","baz":true,"image":"i:2"}]},"qux":[]})";
    for (const char* validation : {"", "Ignore", "Warn", "Strict", "Foo"}) {
        INFO(validation);
        const Answer answer = api.post(kPods + "?fieldValidation=" + validation, doubled);
        api.remove(kPods + "/a", R"({"gracePeriodSeconds":0})");
        const bool refused =
            std::string_view(validation) == "Strict" || std::string_view(validation) == "Foo";
        CHECK((answer.code != 201) == refused);
    }
}

}  // namespace farhold::api_behaviour
