// SPDX-License-Identifier: Apache-2.0
//
// What every kind has: names, labels, owners, finalizers, and what of them may change.
#include "test_api.hpp"

namespace farhold::api_behaviour {
namespace {

const std::string kOne = kConfigMaps + "/a";

std::string with_metadata(std::string_view metadata) {
    return R"({"metadata":{)" + std::string(metadata) + "}}";
}

}  // namespace

TEST_CASE("metadata: names that are none are refused in Kubernetes' words", "[api]") {
    TestApi api;
    const std::string subdomain =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
        "used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    const std::string long_name(254, 'a');
    check_each(
        api,
        {
            {"POST", kConfigMaps, with_metadata(R"("name":"UP")"), 422,
             R"(ConfigMap "UP" is invalid: metadata.name: Invalid value: "UP": )" + subdomain},
            {"POST", kConfigMaps, with_metadata(R"("name":"a.b-c.1")"), 201, ""},
            {"POST", kConfigMaps, with_metadata(R"("name":")" + long_name + "\""), 422,
             "ConfigMap \"" + long_name + R"(" is invalid: metadata.name: Invalid value: ")" +
                 long_name + "\": must be no more than 253 characters"},
            {"POST", "/api/v1/namespaces", with_metadata(R"("name":"a.b")"), 422,
             R"(Namespace "a.b" is invalid: metadata.name: Invalid value: "a.b": must not contain dots)"
            },
            {"POST", "/api/v1/nodes", with_metadata(R"("name":"n","namespace":"default")"), 201, ""
            },
        }
    );
}

TEST_CASE("metadata: labels and annotations have a form", "[api]") {
    TestApi api;
    for (const char* metadata :
         {R"("name":"a","labels":{"a b":"1"})", R"("name":"a","labels":{"a":"x y"})",
          R"("name":"a","labels":{"/a":"1"})", R"("name":"a","labels":{"a/b/c":"1"})",
          R"("name":"a","labels":{"UP.example/a":"1"})", R"("name":"a","annotations":{"a b":"1"})",
          R"("name":"a","finalizers":["x"])", R"("name":"a","finalizers":["a/b/c"])"}) {
        INFO(metadata);
        CHECK(api.post(kConfigMaps, with_metadata(metadata)).code == 422);
    }
    const std::string too_long(64, 'v');
    CHECK(
        api.post(kConfigMaps, with_metadata(R"("name":"a","labels":{"a":")" + too_long + "\"}"))
            .message() == R"(ConfigMap "a" is invalid: metadata.labels: Invalid value: ")" +
                              too_long + R"(": must be no more than 63 bytes)"
    );
    const std::string huge(std::size_t{257} << 10U, 'x');
    CHECK(
        api.post(kConfigMaps, with_metadata(R"("name":"a","annotations":{"a":")" + huge + "\"}"))
            .message() ==
        R"(ConfigMap "a" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes)"
    );
    const Answer made = api.post(
        kConfigMaps, with_metadata(R"("name":"a","labels":{"x/y":""},"annotations":{"UP/a":"b"})")
    );
    CHECK(made.code == 201);
}

TEST_CASE("metadata: owners are named whole, and one of them controls", "[api]") {
    TestApi api;
    const auto owned = [](std::string_view owners) {
        return with_metadata(R"("name":"a","ownerReferences":[)" + std::string(owners) + "]");
    };
    const std::string owner =
        R"({"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"1","controller":true})";
    const std::string other =
        R"({"apiVersion":"apps/v1","kind":"ReplicaSet","name":"s","uid":"2","controller":true})";
    for (const std::string& owners :
         {std::string("{}"), owner + "," + other,
          std::string(R"({"apiVersion":"a/b/c","kind":"K","name":"n","uid":"1"})"),
          std::string(R"({"apiVersion":"v1","kind":"Event","name":"n","uid":"1"})")}) {
        INFO(owners);
        CHECK(api.post(kConfigMaps, owned(owners)).code == 422);
    }
    CHECK(api.post(kConfigMaps, owned(owner)).code == 201);
    const Answer second = api.patch(
        kOne, "strategic-merge-patch",
        R"({"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n","uid":"3"}]}})"
    );
    CHECK(second.body.elements_at({"metadata", "ownerReferences"}).size() == 2);
    const Answer first_gone = api.patch(
        kOne, "strategic-merge-patch",
        R"({"metadata":{"ownerReferences":[{"$patch":"delete","uid":"1"}]}})"
    );
    CHECK(first_gone.body.elements_at({"metadata", "ownerReferences"}).size() == 1);
}

TEST_CASE("metadata: what the server gives cannot be given", "[api]") {
    TestApi api;
    const Answer made = api.post(
        kPods,
        R"({"metadata":{"name":"a","uid":"u","generation":7,"selfLink":"/x","creationTimestamp":)"
        R"("2020-01-01T00:00:00Z","deletionTimestamp":"2020-01-01T00:00:00Z",)"
        R"("deletionGracePeriodSeconds":5},"spec":{"containers":[{"name":"c","image":"i:1"}]},)"
        R"("status":{"phase":"Running"}})"
    );
    CHECK(made.code == 201);
    CHECK(made.uid().size() == 36);
    CHECK(made.text_at({"metadata", "deletionTimestamp"}).empty());
    CHECK(made.text_at({"status", "phase"}) == "Pending");
    const std::string one = kPods + "/a";
    check_each(
        api,
        {
            {"PATCH", one, with_metadata(R"("creationTimestamp":"2020-01-01T00:00:00Z")"), 200, ""},
            {"PATCH", one, with_metadata(R"("generation":70)"), 200, ""},
            {"PATCH", one, with_metadata(R"("selfLink":"/y")"), 200, ""},
            {"PATCH", one, with_metadata(R"("uid":null)"), 200, ""},
            {"PATCH", one, with_metadata(R"("resourceVersion":null)"), 200, ""},
            {"PATCH", one, with_metadata(R"("deletionTimestamp":"2020-01-01T00:00:00Z")"), 422,
             R"(Pod "a" is invalid: metadata.deletionTimestamp: Invalid value: )"
             R"("2020-01-01T00:00:00Z": field is immutable)"},
            {"PATCH", one, with_metadata(R"("deletionGracePeriodSeconds":5)"), 422,
             R"(Pod "a" is invalid: metadata.deletionGracePeriodSeconds: Invalid value: 5: )"
             R"(field is immutable)"},
            {"PATCH", one, with_metadata(R"("name":"b")"), 400,
             "the name of the object (b) does not match the name on the URL (a)"},
            {"PATCH", one, with_metadata(R"("name":null)"), 400,
             "the name of the object (a based on URL) was undeterminable: name must be provided"},
            {"PATCH", one, with_metadata(R"("namespace":"b")"), 400,
             "the namespace of the provided object does not match the namespace sent on the "
             "request"},
            {"PATCH", one, with_metadata(R"("generateName":"x-")"), 200, ""},
        }
    );
    CHECK(api.get(one).text_at({"metadata", "generateName"}) == "x-");
}

TEST_CASE("metadata: the kind of an object does not change", "[api]") {
    TestApi api;
    const Answer made = api.post(kConfigMaps, config_map("a"));
    for (const char* patch :
         {R"({"kind":"Secret"})", R"({"apiVersion":"v2"})", R"({"kind":null})",
          R"({"kind":"Foo","apiVersion":"example.com/v1"})"}) {
        INFO(patch);
        for (const char* form : {"merge-patch", "strategic-merge-patch"}) {
            api.patch(kOne, form, patch);
        }
    }
    CHECK(api.get(kOne).body == made.body);
    json::Value other = made.body;
    other["kind"] = json::Value::of("Secret");
    CHECK(api.put(kOne, other).code == 400);
    other["kind"] = json::Value::of("ConfigMap");
    other["apiVersion"] = json::Value::of("apps/v1");
    CHECK(api.put(kOne, other).code == 400);
    CHECK(api.post(kConfigMaps, R"({"kind":"ConfigMap","metadata":{"name":"b"}})").code == 201);
    CHECK(api.post(kConfigMaps, R"({"apiVersion":"v1","metadata":{"name":"c"}})").code == 201);
}

TEST_CASE("metadata: fields of another type are refused", "[api]") {
    TestApi api;
    for (const char* body :
         {R"({"metadata":{"name":1}})", R"({"metadata":[]})", R"({"metadata":{"labels":["a"]}})",
          R"({"metadata":{"name":"a","labels":{"a":1}}})",
          R"({"metadata":{"name":"a"},"data":"x"})", R"({"metadata":{"name":"a"},"data":{"k":1}})",
          R"([])", R"("x")", R"(null)", "",
          R"({"metadata":{"name":"a","creationTimestamp":"yesterday"}})",
          R"({"metadata":{"name":"a"},"binaryData":{"k":"!"}})"}) {
        INFO(body);
        const Answer answer = api.post(kConfigMaps, body);
        CHECK(answer.code >= 400);
        CHECK(answer.code <= 422);
    }
    CHECK(api.get(kConfigMaps).body.elements_at({"items"}).empty());
}

TEST_CASE(
    "metadata: a PUT takes the name from its path, and finalizers by their absence", "[api]"
) {
    TestApi api;
    api.post(kConfigMaps, with_metadata(R"("name":"a","finalizers":["example.com/x"])"));
    json::Value nameless = json::Value::parse(R"({"data":{"k":"v"}})").value();
    const Answer put = api.put(kOne, nameless);
    CHECK(put.code == 400);
    json::Value named = json::Value::parse(R"({"metadata":{"name":"a"}})").value();
    CHECK(api.put(kOne, named).body.elements_at({"metadata", "finalizers"}).empty());
    named["metadata"]["namespace"] = json::Value::of("other");
    CHECK(api.put(kOne, named).code == 400);
    named["metadata"]["namespace"] = json::Value::of("default");
    named["metadata"]["resourceVersion"] = json::Value::of("abc");
    CHECK(api.put(kOne, named).code == 500);
    named["metadata"]["resourceVersion"] = json::Value::of("0");
    CHECK(api.put(kOne, named).code == 200);
    named["metadata"]["name"] = json::Value::of("none");
    CHECK(api.put(kConfigMaps + "/none", named).code == 404);
}

TEST_CASE("metadata: a name may be generated for what is only tried", "[api]") {
    TestApi api;
    const Answer tried =
        api.post(kConfigMaps + "?dryRun=All", with_metadata(R"("generateName":"x-")"));
    CHECK(tried.code == 201);
    CHECK(tried.text_at({"metadata", "name"}).size() == 7);
    const std::string prefix(70, 'p');
    const Answer cut = api.post(kConfigMaps, with_metadata(R"("generateName":")" + prefix + "\""));
    CHECK(cut.text_at({"metadata", "name"}).size() == 63);
    const Answer space =
        api.post("/api/v1/namespaces", with_metadata(R"("generateName":"space-")"));
    CHECK(
        space.text_at({"metadata", "labels", "kubernetes.io/metadata.name"}) ==
        space.text_at({"metadata", "name"})
    );
}

}  // namespace farhold::api_behaviour
