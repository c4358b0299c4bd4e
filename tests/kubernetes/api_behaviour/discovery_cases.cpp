// SPDX-License-Identifier: Apache-2.0
#include "test_api.hpp"

#include <algorithm>

namespace farhold::api_behaviour {
namespace {

constexpr const char* kAggregated =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

const json::Value* named(const json::Value& list, std::string_view key, std::string_view name) {
    const json::Array& entries = list.array();
    const auto found = std::ranges::find_if(entries, [key, name](const json::Value& entry) {
        return entry.text_at({key}) == name;
    });
    return found == entries.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("discovery: old clients ask for one group version at a time", "[api]") {
    TestApi api;
    CHECK(api.get("/api").text_at({"kind"}) == "APIVersions");
    CHECK(named(*api.get("/apis").body.find("groups"), "name", "coordination.k8s.io") != nullptr);
    CHECK(
        api.get("/apis/coordination.k8s.io").text_at({"preferredVersion", "groupVersion"}) ==
        "coordination.k8s.io/v1"
    );
    const Answer core = api.get("/api/v1");
    const json::Value& resources = *core.body.find("resources");
    const json::Value* pods = named(resources, "name", "pods");
    REQUIRE(pods != nullptr);
    CHECK(pods->text_at({"kind"}) == "Pod");
    CHECK(pods->bool_at({"namespaced"}));
    CHECK(named(resources, "name", "pods/status") != nullptr);
    REQUIRE(named(resources, "name", "pods/binding") != nullptr);
    CHECK(named(resources, "name", "pods/binding")->text_at({"kind"}) == "Binding");
    CHECK(api.get("/apis/coordination.k8s.io/v1").text_at({"kind"}) == "APIResourceList");
}

TEST_CASE("discovery: new clients get everything at once, and 304 the next time", "[api]") {
    TestApi api;
    Question request = api.question("GET", "/api");
    request.accept = kAggregated;
    const Answer answer = api.ask(request);
    CHECK(
        answer.content_type ==
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    );
    const json::Value& group = answer.body.find("items")->array()[0];
    CHECK(group.at_path({"metadata", "name"}) == nullptr);
    const json::Value& version = group.find("versions")->array()[0];
    CHECK(version.text_at({"version"}) == "v1");
    const json::Value* pods = named(*version.find("resources"), "resource", "pods");
    REQUIRE(pods != nullptr);
    CHECK(pods->text_at({"scope"}) == "Namespaced");
    CHECK(pods->text_at({"responseKind", "kind"}) == "Pod");

    REQUIRE(answer.headers[0].first == "ETag");
    request.if_none_match = answer.headers[0].second;
    const Answer again = api.ask(request);
    CHECK(again.code == 304);
    CHECK(again.text.empty());

    request.accept =
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
        "application/json";
    CHECK(api.ask(request).text_at({"kind"}) == "APIVersions");
}

TEST_CASE("openapi: kubectl 1.20 gets protobuf, newer ones find fieldValidation", "[api]") {
    TestApi api;
    Question v2 = api.question("GET", "/openapi/v2");
    v2.accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    const Answer protobuf = api.ask(v2);
    CHECK(
        protobuf.text.starts_with("\x0a\x03"
                                  "2.0\x12")
    );
    v2.accept = "application/json";
    CHECK(api.ask(v2).text_at({"swagger"}) == "2.0");
    v2.accept = "text/html";
    CHECK(api.ask(v2).code == 406);

    const Answer index = api.get("/openapi/v3");
    const std::string address = index.text_at({"paths", "api/v1", "serverRelativeURL"});
    REQUIRE(address.starts_with("/openapi/v3/api/v1?hash="));
    const Answer document = api.get(address);
    CHECK(document.code == 200);
    const json::Value* patch =
        document.body.at_path({"paths", "/api/v1/namespaces/{namespace}/pods/{name}", "patch"});
    REQUIRE(patch != nullptr);
    CHECK(patch->text_at({"x-kubernetes-group-version-kind", "kind"}) == "Pod");
    CHECK(named(*patch->find("parameters"), "name", "fieldValidation") != nullptr);
    CHECK(api.get("/openapi/v3/api/v1?hash=old").code == 301);
}

TEST_CASE("paths: what is not there is said as Kubernetes says it", "[api]") {
    TestApi api;
    struct Case {
        std::string method;
        std::string path;
        int code;
        std::string message;
    };
    const std::string unknown = "the server could not find the requested resource";
    const std::string method = "the server does not allow this method on the requested resource";
    const Case cases[] = {
        {"GET", "/api/v1/foos", 404, unknown},
        {"GET", "/api/v2/pods", 404, unknown},
        {"GET", "/api/v1/namespaces/default/nodes", 404, unknown},
        {"GET", kPods + "/a/foo", 404, unknown},
        {"POST", "/api/v1/pods", 405, method},
        {"PUT", kPods, 405, method},
        {"FOO", kPods + "/a", 405, method},
        {"POST", kPods + "/a/status", 405, method},
        {"GET", kPods + "/a", 404, "pods \"a\" not found"},
    };
    for (const Case& tried : cases) {
        INFO(tried.method << " " << tried.path);
        const Answer answer = api.ask(api.question(tried.method, tried.path, "{}"));
        CHECK(answer.code == tried.code);
        CHECK(answer.message() == tried.message);
    }
    CHECK(api.get("/foo").text == "404 page not found\n");
    CHECK(api.get("/apis/example.com/v1/foos").text == "404 page not found\n");
}

TEST_CASE("authorization: strangers see health and version and nothing else", "[api]") {
    TestApi api;
    Question request = api.question("GET", "/healthz");
    request.anonymous = true;
    CHECK(api.ask(request).text == "ok");
    request.target = "/version";
    CHECK(api.ask(request).text_at({"gitVersion"}).starts_with("v1."));

    request.target = kPods + "/a";
    const Answer object = api.ask(request);
    CHECK(object.code == 403);
    CHECK(
        object.message() ==
        "pods \"a\" is forbidden: User \"system:anonymous\" cannot get resource "
        "\"pods\" in API group \"\" in the namespace \"default\""
    );
    request.target = "/api/v1/nodes";
    CHECK(
        api.ask(request).message() ==
        "nodes is forbidden: User \"system:anonymous\" cannot list "
        "resource \"nodes\" in API group \"\" at the cluster scope"
    );
    request.target = "/api";
    CHECK(
        api.ask(request).message() ==
        "forbidden: User \"system:anonymous\" cannot get path \"/api\""
    );
    request.target = "/api/v1/foos";
    CHECK(api.ask(request).code == 403);
}

}  // namespace farhold::api_behaviour
