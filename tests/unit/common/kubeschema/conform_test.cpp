// SPDX-License-Identifier: Apache-2.0
#include "schema_fixture.hpp"

using namespace farhold;
using namespace farhold::kubeschema;

namespace {

std::string conformed(std::string_view kind, std::string_view text) {
    json::Value object = parse_json(text);
    std::vector<std::string> unknown;
    const auto result = conform(type_of(kind), object, unknown);
    return result ? object.dump() : result.error().message();
}

Texts unknown_in(std::string_view kind, std::string_view text) {
    json::Value object = parse_json(text);
    std::vector<std::string> unknown;
    REQUIRE(conform(type_of(kind), object, unknown));
    return unknown;
}

}  // namespace

TEST_CASE("conform: unknown fields are named by their path and removed", "[kubeschema]") {
    const std::string_view pod =
        R"({"kind":"Pod","metadata":{"nam":"x"},"spec":{"containers":[{"name":"a"},)"
        R"({"imagee":"b","ports":[{"port":1}]}],"foo":{}}})";
    CHECK(
        unknown_in("Pod", pod) ==
        Texts{
            "metadata.nam", "spec.containers[1].imagee", "spec.containers[1].ports[0].port",
            "spec.foo"
        }
    );
    CHECK(
        conformed("Pod", pod) ==
        R"({"kind":"Pod","apiVersion":"v1","metadata":{},"spec":{"containers":[)"
        R"({"name":"a","resources":{}},{"ports":[{"containerPort":0}],"name":"",)"
        R"("resources":{}}]},"status":{}})"
    );
}

TEST_CASE("conform: nulls and empty optional fields go, given zeros stay", "[kubeschema]") {
    CHECK(
        conformed(
            "Pod",
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","namespace":"","labels":{},)"
            R"("creationTimestamp":null},"spec":{"hostNetwork":false,"containers":[],)"
            R"("terminationGracePeriodSeconds":0,"securityContext":{}},"status":{}})"
        ) == R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"},"spec":{"containers":[],)"
             R"("terminationGracePeriodSeconds":0,"securityContext":{}},"status":{}})"
    );
}

TEST_CASE("conform: quantities, times and bytes become canonical", "[kubeschema]") {
    CHECK(
        conformed(
            "Pod", R"({"status":{"allocatedResources":{"cpu":4,"memory":"1024Mi"},)"
                   R"("startTime":"2026-01-01T01:00:00.5+01:00"}})"
        ) == R"({"kind":"Pod","apiVersion":"v1","status":{"allocatedResources":{"cpu":"4",)"
             R"("memory":"1Gi"},"startTime":"2026-01-01T00:00:00Z"},"metadata":{},"spec":{}})"
    );
    CHECK(
        conformed(
            "Lease", R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease",)"
                     R"("spec":{"renewTime":"2026-01-01T00:00:00.000000+00:00"}})"
        ) == R"({"kind":"Lease","apiVersion":"coordination.k8s.io/v1",)"
             R"("spec":{"renewTime":"2026-01-01T00:00:00.000000Z"},"metadata":{}})"
    );
    CHECK(
        conformed("Lease", R"({"spec":{"renewTime":"2026-01-01T00:00:00Z"}})") ==
        "Lease in version \"v1\" cannot be handled as a Lease: parsing time "
        "\"2026-01-01T00:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": there are six digits "
        "after the second"
    );
}

TEST_CASE("conform: what Go always writes is there", "[kubeschema]") {
    CHECK(
        conformed("Namespace", R"({"status":{"conditions":[{"type":"A"}]}})") ==
        R"({"kind":"Namespace","apiVersion":"v1","status":{"conditions":[{"type":"A",)"
        R"("status":"","lastTransitionTime":null}]},"metadata":{},"spec":{}})"
    );
    CHECK(
        conformed("Event", "{}") ==
        R"({"kind":"Event","apiVersion":"v1","metadata":{},"involvedObject":{},"source":{},)"
        R"("firstTimestamp":null,"lastTimestamp":null,"eventTime":null,"reportingComponent":"",)"
        R"("reportingInstance":""})"
    );
}

TEST_CASE("conform: wrong types name the kind, the field and both types", "[kubeschema]") {
    const std::string prefix = "Pod in version \"v1\" cannot be handled as a Pod: ";
    CHECK(
        conformed("Pod", R"({"spec":{"containers":"x"}})") ==
        prefix +
            "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type "
            "[]v1.Container"
    );
    CHECK(
        conformed("Pod", R"({"spec":{"containers":[{"ports":[{"containerPort":"80"}]}]}})") ==
        prefix +
            "json: cannot unmarshal string into Go struct field "
            "ContainerPort.spec.containers.ports.containerPort of type int32"
    );
    CHECK(
        conformed("Pod", R"({"spec":{"containers":[{"resources":{"limits":{"cpu":"1x"}}}]}})") ==
        prefix +
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    );
    for (const char* text :
         {R"([])", R"({"metadata":[]})", R"({"metadata":{"labels":{"a":1}}})",
          R"({"metadata":{"labels":["a"]}})", R"({"spec":{"priority":3000000000}})",
          R"({"spec":{"priority":1.5}})", R"({"spec":{"hostNetwork":"true"}})",
          R"({"metadata":{"deletionTimestamp":"yesterday"}})"}) {
        CHECK(conformed("Pod", text).starts_with(prefix));
    }
    CHECK(conformed("Secret", R"({"data":{"a":"%"}})").starts_with("Secret in version"));
    CHECK(
        conformed("Pod", R"({"spec":{"containers":[{"livenessProbe":{"httpGet":{"port":true}}}]}})")
            .starts_with(prefix)
    );
}

TEST_CASE("conform: a kind without a field table keeps all but odd metadata", "[kubeschema]") {
    ResourceType type;
    type.group = "example.org";
    type.version = "v1";
    type.kind = "Widget";
    json::Value object = parse_json(R"({"metadata":{"name":"x","nam":1},"spec":{"any":[1.0]}})");
    std::vector<std::string> unknown;
    REQUIRE(conform(type, object, unknown));
    CHECK(unknown == Texts{"metadata.nam"});
    CHECK(
        object.dump() == R"({"kind":"Widget","apiVersion":"example.org/v1",)"
                         R"("metadata":{"name":"x"},"spec":{"any":[1.0]}})"
    );
}
