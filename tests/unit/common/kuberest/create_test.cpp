// SPDX-License-Identifier: Apache-2.0
#include "common/object/metadata.hpp"
#include "test_api.hpp"

namespace farhold::kuberest {

TEST_CASE("create: the server gives identity, time, generation and revision", "[kuberest]") {
    TestApi api;
    const Answer created = api.post(kPodsPath, pod("a"));
    REQUIRE(created.code == 201);
    CHECK(created.text({"kind"}) == "Pod");
    CHECK(created.text({"apiVersion"}) == "v1");
    CHECK(created.text({"metadata", "namespace"}) == "default");
    CHECK(created.text({"metadata", "uid"}).size() == 36);
    CHECK(created.text({"metadata", "creationTimestamp"}) == "2026-05-04T03:02:01Z");
    CHECK(created.revision() == std::to_string(api.store->revision()));
    CHECK(created.body.integer_at({"metadata", "generation"}) == 1);
    CHECK(created.text({"status", "phase"}) == "Pending");
    CHECK(api.get(std::string(kPodsPath) + "/a").body == created.body);
}

TEST_CASE("create: a name is taken once, a generated one never", "[kuberest]") {
    TestApi api;
    REQUIRE(api.post(kConfigMapsPath, config_map("a")).code == 201);
    const Answer again = api.post(kConfigMapsPath, config_map("a"));
    CHECK(again.code == 409);
    CHECK(again.reason() == "AlreadyExists");
    CHECK(again.message() == "configmaps \"a\" already exists");
    CHECK(again.text({"details", "kind"}) == "configmaps");

    const std::string generated = R"({"metadata":{"generateName":"x-"}})";
    const std::string first = api.post(kConfigMapsPath, generated).text({"metadata", "name"});
    const std::string second = api.post(kConfigMapsPath, generated).text({"metadata", "name"});
    CHECK(first.size() == 7);
    CHECK(first.starts_with("x-"));
    CHECK(first != second);
}

TEST_CASE("create: the namespace must exist and agree", "[kuberest]") {
    TestApi api;
    const Answer missing = api.post("/api/v1/namespaces/none/configmaps", config_map("a"));
    CHECK(missing.code == 404);
    CHECK(missing.message() == "namespaces \"none\" not found");

    const Answer other =
        api.post(kConfigMapsPath, R"({"metadata":{"name":"a","namespace":"other"}})");
    CHECK(other.code == 400);
    CHECK(
        other.message() ==
        "the namespace of the provided object does not match the namespace sent on the request"
    );
}

TEST_CASE("create: nothing new comes into a namespace that is going away", "[kuberest]") {
    TestApi api;
    api.post("/api/v1/namespaces", R"({"metadata":{"name":"old"}})");
    REQUIRE(api.remove("/api/v1/namespaces/old").text({"status", "phase"}) == "Terminating");
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

TEST_CASE("create: what does not fit the kind is refused in Kubernetes' words", "[kuberest]") {
    TestApi api;
    SECTION("a body that is not JSON") {
        const Answer answer = api.post(kConfigMapsPath, "{");
        CHECK(answer.code == 400);
        CHECK(answer.message().starts_with(
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get "
            "version/kind; json parse error: "
        ));
    }
    SECTION("another kind") {
        const Answer answer = api.post(
            kPodsPath, R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}})"
        );
        CHECK(answer.code == 400);
        CHECK(
            answer.message() ==
            "ConfigMap in version \"v1\" cannot be handled as a Pod: converting "
            "(v1.ConfigMap) to (core.Pod): unknown conversion"
        );
    }
    SECTION("no name") {
        const Answer answer = api.post(kConfigMapsPath, R"({"metadata":{}})");
        CHECK(answer.code == 422);
        CHECK(answer.reason() == "Invalid");
        CHECK(answer.text({"details", "kind"}) == "ConfigMap");
        CHECK(
            answer.message().starts_with("ConfigMap \"\" is invalid: metadata.name: Required value")
        );
    }
    SECTION("an unknown field under Strict") {
        const Answer answer =
            api.post(std::string(kPodsPath) + "?fieldValidation=Strict", pod("a", R"(,"foo":1)"));
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
        api.remove("/api/v1/namespaces/default/secrets/a");
        return;
    }
    SECTION("a revision") {
        const Answer answer =
            api.post(kConfigMapsPath, R"({"metadata":{"name":"a","resourceVersion":"5"}})");
        CHECK(answer.code == 500);
        CHECK(answer.message() == "resourceVersion should not be set on objects to be created");
    }
    SECTION("a media type that we do not read") {
        Request yaml = api.request("POST", kConfigMapsPath, "metadata: {name: a}");
        yaml.content_type = "application/yaml";
        const Answer answer = api.ask(yaml);
        CHECK(answer.code == 415);
        CHECK(answer.reason() == "UnsupportedMediaType");
    }
    CHECK(api.store->revision() == 2);
}

TEST_CASE("create: unknown fields are warned about and dropped by default", "[kuberest]") {
    TestApi api;
    const Answer answer = api.post(kPodsPath, pod("a", R"(,"foo":1)"));
    REQUIRE(answer.code == 201);
    CHECK(answer.body.at_path({"spec", "foo"}) == nullptr);
    REQUIRE(answer.response.headers.size() == 1);
    CHECK(answer.response.headers[0].first == "Warning");
    CHECK(answer.response.headers[0].second == R"(299 - "unknown field \"spec.foo\"")");
    CHECK(api.post(std::string(kPodsPath) + "?fieldValidation=Ignore", pod("b", R"(,"foo":1)"))
              .response.headers.empty());
}

TEST_CASE("create: a dry run goes all the way and leaves nothing", "[kuberest]") {
    TestApi api;
    const Answer answer = api.post(std::string(kConfigMapsPath) + "?dryRun=All", config_map("a"));
    CHECK(answer.code == 201);
    CHECK(answer.revision().empty());
    CHECK_FALSE(answer.text({"metadata", "uid"}).empty());
    CHECK(api.get(std::string(kConfigMapsPath) + "/a").code == 404);

    const Answer wrong = api.post(std::string(kConfigMapsPath) + "?dryRun=x", config_map("a"));
    CHECK(wrong.code == 422);
    CHECK(
        wrong.message() ==
        "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: "
        "[\"x\"]: supported values: \"All\""
    );
}

TEST_CASE("create: kubectl's protobuf bodies are understood", "[kuberest]") {
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

    Request request = api.request("POST", kConfigMapsPath, body);
    request.content_type = "application/vnd.kubernetes.protobuf";
    const Answer answer = api.ask(request);
    REQUIRE(answer.code == 201);
    CHECK(answer.text({"data", "k"}) == "v");
    CHECK(answer.text({"metadata", "name"}) == "x");
}

TEST_CASE("create: a namespace carries its own name as a label", "[kuberest]") {
    TestApi api;
    const Answer made = api.get("/api/v1/namespaces/default");
    CHECK(object::label(made.body, "kubernetes.io/metadata.name") == "default");
    CHECK(made.text({"status", "phase"}) == "Active");
    REQUIRE(made.body.at_path({"spec", "finalizers"}) != nullptr);
}

TEST_CASE("create: a pod is bound to a node once", "[kuberest]") {
    TestApi api;
    api.post(kPodsPath, pod("a"));
    const std::string path = std::string(kPodsPath) + "/a/binding";
    const std::string binding = R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":"a"},)"
                                R"("target":{"kind":"Node","name":"n"}})";
    const Answer bound = api.post(path, binding);
    CHECK(bound.code == 201);
    CHECK(bound.text({"status"}) == "Success");
    CHECK(api.get(std::string(kPodsPath) + "/a").text({"spec", "nodeName"}) == "n");

    const Answer again = api.post(path, binding);
    CHECK(again.code == 409);
    CHECK(again.message().starts_with(
        "Operation cannot be fulfilled on pods/binding \"a\": pod a is already assigned to node"
    ));
}

}  // namespace farhold::kuberest
