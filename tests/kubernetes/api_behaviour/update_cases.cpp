// SPDX-License-Identifier: Apache-2.0
#include "test_api.hpp"

namespace farhold::api_behaviour {
namespace {

const std::string kOne = kConfigMaps + "/a";
const std::string kPod = kPods + "/a";

json::Value with(json::Value object, json::Path path, std::string_view text) {
    object.ensure_path(path) = json::Value::of(text);
    return object;
}

}  // namespace

TEST_CASE("update: an old revision is a conflict, none overwrites", "[api]") {
    TestApi api;
    const json::Value first = api.post(kConfigMaps, config_map("a")).body;
    const Answer second = api.put(kOne, with(first, {"data", "k"}, "1"));
    REQUIRE(second.code == 200);
    CHECK(second.revision() != std::string(first.text_at({"metadata", "resourceVersion"})));

    const Answer stale = api.put(kOne, with(first, {"data", "k"}, "2"));
    CHECK(stale.code == 409);
    CHECK(stale.reason() == "Conflict");
    CHECK(
        stale.message() ==
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please "
        "apply your changes to the latest version and try again"
    );
    json::Value unconditional = with(first, {"data", "k"}, "3");
    unconditional["metadata"].erase("resourceVersion");
    CHECK(api.put(kOne, unconditional).code == 200);
}

TEST_CASE("update: what changes nothing keeps the revision and wakes nobody", "[api]") {
    TestApi api;
    const Answer first = api.post(kConfigMaps, config_map("a", R"(,"data":{"k":"1"})"));
    const auto watch = api.watch(kConfigMaps + "?watch=true&resourceVersion=" + first.revision());
    CHECK(api.put(kOne, first.body).revision() == first.revision());
    CHECK(api.patch(kOne, "merge-patch", R"({"data":{"k":"1"}})").revision() == first.revision());
    api.post(kConfigMaps, config_map("b"));
    CHECK(next_events(*watch, 1) == std::vector<std::string>{"ADDED b"});
}

TEST_CASE("update: identity in the body must be that of the object", "[api]") {
    TestApi api;
    const json::Value first = api.post(kConfigMaps, config_map("a")).body;
    const Answer renamed = api.put(kOne, with(first, {"metadata", "name"}, "b"));
    CHECK(renamed.code == 400);
    CHECK(renamed.message() == "the name of the object (b) does not match the name on the URL (a)");
    const Answer foreign = api.put(kOne, with(first, {"metadata", "uid"}, "x"));
    CHECK(foreign.code == 409);
    CHECK(foreign.message().contains("UID in precondition: x, UID in object meta: "));
    const Answer patched = api.patch(kOne, "merge-patch", R"({"metadata":{"uid":"x"}})");
    CHECK(patched.code == 422);
    CHECK(patched.message().contains("metadata.uid: Invalid value: \"x\": field is immutable"));
}

TEST_CASE("update: leases need a revision and may be created by PUT", "[api]") {
    TestApi api;
    const std::string path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";
    const json::Value lease =
        json::Value::parse(R"({"metadata":{"name":"l"},"spec":{"holderIdentity":"n"}})").value();
    CHECK(api.put(path, lease).code == 201);
    const Answer refused = api.put(path, with(lease, {"spec", "holderIdentity"}, "m"));
    CHECK(refused.code == 422);
    CHECK(
        refused.message() ==
        "leases.coordination.k8s.io \"l\" is invalid: metadata.resourceVersion: "
        "Invalid value: 0: must be specified for an update"
    );
    CHECK(api.put(kOne, json::Value::parse(config_map("a")).value()).code == 404);
}

TEST_CASE("update: spec and status are written through their own doors", "[api]") {
    TestApi api;
    const json::Value made = api.post(kPods, pod("a")).body;
    const Answer status = api.patch(
        kPod + "/status", "merge-patch",
        R"({"spec":{"nodeName":"n"},"status":{"phase":"Running"},"metadata":{"labels":{"a":"b"}}})"
    );
    REQUIRE(status.code == 200);
    CHECK(status.text_at({"status", "phase"}) == "Running");
    CHECK(status.text_at({"spec", "nodeName"}).empty());
    CHECK(status.text_at({"metadata", "labels", "a"}) == "b");
    CHECK(status.body.integer_at({"metadata", "generation"}) == 1);

    const Answer main = api.patch(
        kPod, "merge-patch", R"({"spec":{"activeDeadlineSeconds":9},"status":{"phase":"Failed"}})"
    );
    REQUIRE(main.code == 200);
    CHECK(main.text_at({"status", "phase"}) == "Running");
    CHECK(main.body.integer_at({"metadata", "generation"}) == 2);
    CHECK(main.text_at({"metadata", "uid"}) == std::string(made.text_at({"metadata", "uid"})));
}

TEST_CASE("update: a pod's spec is fixed but for a few fields", "[api]") {
    TestApi api;
    api.post(kPods, pod("a"));
    const Answer refused = api.patch(kPod, "merge-patch", R"({"spec":{"hostname":"x"}})");
    CHECK(refused.code == 422);
    CHECK(refused.message().contains(
        "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`"
    ));
}

TEST_CASE("patch: each form does what it says", "[api]") {
    TestApi api;
    api.post(kPods, pod("a"));
    const Answer strategic = api.patch(
        kPod, "strategic-merge-patch", R"({"spec":{"containers":[{"name":"c","image":"i:2"}]}})"
    );
    REQUIRE(strategic.code == 200);
    const json::Value& containers = *strategic.body.at_path({"spec", "containers"});
    REQUIRE(containers.size() == 1);
    CHECK(containers.array()[0].text_at({"image"}) == "i:2");
    // The rest of the container is still there.
    CHECK_FALSE(containers.array()[0].text_at({"imagePullPolicy"}).empty());

    const Answer json = api.patch(
        kPod, "json-patch", R"([{"op":"add","path":"/metadata/labels","value":{"x":"y"}}])"
    );
    CHECK(json.text_at({"metadata", "labels", "x"}) == "y");
    const Answer merge = api.patch(kPod, "merge-patch", R"({"metadata":{"labels":{"x":null}}})");
    CHECK(merge.text_at({"metadata", "labels", "x"}).empty());
}

TEST_CASE("patch: what cannot be applied is told apart", "[api]") {
    TestApi api;
    api.post(kConfigMaps, config_map("a"));
    const Answer test =
        api.patch(kOne, "json-patch", R"([{"op":"test","path":"/metadata/name","value":"b"}])");
    CHECK(test.code == 422);
    CHECK(test.message() == "the server rejected our request due to an error in our request");
    CHECK(api.patch(kOne, "json-patch", "[").code == 400);
    CHECK(api.patch(kConfigMaps + "/b", "merge-patch", "{}").code == 404);
    CHECK(api.patch(kOne, "merge-patch", R"({"metadata":{"resourceVersion":"1"}})").code == 409);

    const Answer unknown =
        api.patch(kOne + "?fieldValidation=Strict", "merge-patch", R"({"foo":1})");
    CHECK(unknown.code == 422);
    CHECK(unknown.message().starts_with(" \"\" is invalid: patch: Invalid value: \"{"));
    CHECK(unknown.message().ends_with("strict decoding error: unknown field \"foo\""));
}

TEST_CASE("patch: a dry run shows the result and keeps the object", "[api]") {
    TestApi api;
    const Answer made = api.post(kConfigMaps, config_map("a"));
    const Answer dry = api.patch(kOne + "?dryRun=All", "merge-patch", R"({"data":{"k":"1"}})");
    CHECK(dry.text_at({"data", "k"}) == "1");
    CHECK(dry.revision() == made.revision());
    CHECK(api.get(kOne).body == made.body);
}

}  // namespace farhold::api_behaviour
