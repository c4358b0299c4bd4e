// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kubelet/kubelet_route.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::kubelet;  // NOLINT(google-build-using-namespace)

namespace {

// "node target" or "ns/pod target", and what it takes.
std::string routed(
    std::string_view method, std::string_view target, std::string_view forwarded = {}
) {
    const auto to = route(method, target, forwarded);
    if (!to) return std::string(to_string(to.error().code()));
    const std::string whose = to->pod.empty() ? to->node : to->ns + "/" + to->pod;
    return whose + " " + to->target + " " + to->verb + " " + to->subresource +
           (to->takes_tokens ? " or token" : "");
}

}  // namespace

TEST_CASE("kubelet: what is about a Pod goes to the Pod's machine", "[kubelet]") {
    CHECK(
        routed("GET", "/containerLogs/default/hello/main?follow=true") ==
        "default/hello /containerLogs/default/hello/main?follow=true get proxy"
    );
    CHECK(
        routed("POST", "/exec/default/hello/main?command=ls&output=1") ==
        "default/hello /exec/default/hello/main?command=ls&output=1 create proxy"
    );
    CHECK(routed("POST", "/portForward/a/b") == "a/b /portForward/a/b create proxy");
    CHECK(routed("POST", "/attach/a%2Db/c/d") == "a-b/c /attach/a%2Db/c/d create proxy");
}

TEST_CASE("kubelet: a session needs create, also when it comes as GET", "[kubelet]") {
    CHECK(routed("GET", "/exec/a/b/c?command=ls") == "a/b /exec/a/b/c?command=ls create proxy");
    CHECK(routed("GET", "/portForward/a/b") == "a/b /portForward/a/b create proxy");
}

TEST_CASE("kubelet: what is about a machine needs its name", "[kubelet]") {
    CHECK(
        routed("GET", "/stats/summary?x=1", "/api/v1/nodes/robot-7/proxy/stats/summary") ==
        "robot-7 /stats/summary?x=1 get stats or token"
    );
    CHECK(
        routed("GET", "/configz", "/api/v1/nodes/https:robot-7:10250/proxy/configz") ==
        "robot-7 /configz get proxy"
    );
    CHECK(routed("GET", "/logs/", "/api/v1/nodes/robot-7/proxy/logs/") == "robot-7 /logs/ get log");
    CHECK(
        routed("GET", "/nodes/robot-7/metrics/resource") ==
        "robot-7 /metrics/resource get metrics or token"
    );
    CHECK(routed("GET", "/metrics/resource") == "invalid argument");
    CHECK(routed("GET", "/stats/summary", "/api/v1/nodes") == "invalid argument");
}

TEST_CASE("kubelet: the Pod decides, whatever the path says of a machine", "[kubelet]") {
    CHECK(
        routed("GET", "/nodes/other/containerLogs/a/b/c") == "a/b /containerLogs/a/b/c get proxy"
    );
}

TEST_CASE("kubelet: other paths are none of a kubelet's", "[kubelet]") {
    for (const std::string_view path :
         {"/", "/debug/pprof", "/exec/a", "/run/a/b/c", "//", "/nodes/a"}) {
        CHECK(routed("GET", path) == "not found");
    }
    CHECK(routed("POST", "/stats/summary", "/api/v1/nodes/a/proxy/stats/summary") == "not found");
}
