// SPDX-License-Identifier: Apache-2.0
//
// Requests that machines answer: whom they go to, and in which words.
#include "test_api.hpp"

namespace farhold::kuberest {
namespace {

constexpr auto kPods = "/api/v1/namespaces/default/pods";

std::string pod(std::string_view name, std::string_view node, std::string_view containers) {
    std::string text = R"({"metadata":{"name":")";
    text += name;
    text += R"("},"spec":{"containers":[)";
    text += containers;
    text += "]";
    if (!node.empty()) text += R"(,"nodeName":")" + std::string(node) + "\"";
    return text + "}}";
}

constexpr auto kMain = R"({"name":"main","image":"i"})";
constexpr auto kTwo = R"({"name":"main","image":"i"},{"name":"side","image":"i"})";

// "node target"; of a refusal "code message".
std::string asked(TestApi& api, const std::string& method, const std::string& target) {
    const Answer answer = api.ask(api.request(method, target));
    const auto& request = answer.response.node_request;
    return request ? request->node + " " + request->target
                   : std::to_string(answer.code) + " " + answer.message();
}

}  // namespace

TEST_CASE("connect: a pod's machine is asked in a kubelet's words", "[kuberest]") {
    TestApi api;
    api.post(kPods, pod("hello", "robot-7", kMain));
    const std::string hello = std::string(kPods) + "/hello/";
    CHECK(asked(api, "GET", hello + "log") == "robot-7 /containerLogs/default/hello/main");
    CHECK(
        asked(api, "GET", hello + "log?follow=true&tailLines=5&pretty=x&container=main") ==
        "robot-7 /containerLogs/default/hello/main?follow=true&tailLines=5"
    );
    CHECK(
        asked(api, "GET", hello + "exec?command=sh&command=-c&command=a b&stdin=true&tty=false") ==
        "robot-7 /exec/default/hello/main?command=sh&command=-c&command=a%20b&input=1"
    );
    CHECK(
        asked(api, "POST", hello + "attach?stdout=true&stderr=true&tty=true") ==
        "robot-7 /attach/default/hello/main?error=1&output=1&tty=1"
    );
    CHECK(asked(api, "POST", hello + "portforward") == "robot-7 /portForward/default/hello");
    const Answer answer = api.get(hello + "log");
    CHECK(answer.response.node_request->user == "admin");
    CHECK_FALSE(answer.response.node_request->is_proxy);
}

TEST_CASE("connect: which container is meant must be clear", "[kuberest]") {
    TestApi api;
    api.post(kPods, pod("two", "robot-7", kTwo));
    const std::string two = std::string(kPods) + "/two/";
    CHECK(
        asked(api, "GET", two + "log") ==
        "400 a container name must be specified for pod two, choose one of: [main side]"
    );
    CHECK(
        asked(api, "GET", two + "exec?container=other") ==
        "400 container other is not valid for pod two"
    );
    CHECK(
        asked(api, "GET", two + "log?container=side") == "robot-7 /containerLogs/default/two/side"
    );
}

TEST_CASE("connect: a pod without a machine has nothing to say", "[kuberest]") {
    TestApi api;
    api.post(kPods, pod("waiting", "", kMain));
    const std::string waiting = std::string(kPods) + "/waiting/";
    CHECK(asked(api, "GET", waiting + "log") == "204 ");
    CHECK(
        asked(api, "POST", waiting + "exec?command=ls") ==
        "400 pod waiting does not have a host assigned"
    );
    CHECK(asked(api, "GET", std::string(kPods) + "/none/log") == "404 pods \"none\" not found");
}

TEST_CASE("connect: the node proxy leads to the machine itself", "[kuberest]") {
    TestApi api;
    api.post("/api/v1/nodes", R"({"metadata":{"name":"robot-7"}})");
    const std::string nodes = "/api/v1/nodes/";
    CHECK(
        asked(api, "GET", nodes + "robot-7/proxy/stats/summary?a=b") == "robot-7 /stats/summary?a=b"
    );
    CHECK(asked(api, "GET", nodes + "https:robot-7:10250/proxy/healthz") == "robot-7 /healthz");
    CHECK(asked(api, "GET", nodes + "robot-7/proxy") == "robot-7 /");
    CHECK(asked(api, "GET", nodes + "robot-8/proxy/pods") == "404 nodes \"robot-8\" not found");
    CHECK(asked(api, "POST", nodes + "robot-7/proxy/run").starts_with("405 "));
    CHECK(api.get(nodes + "robot-7/proxy/pods").response.node_request->is_proxy);
    CHECK(asked(api, "GET", nodes + "robot-7/status/more").starts_with("404 "));
}

TEST_CASE("connect: only who may everything may look into machines", "[kuberest]") {
    TestApi api;
    api.post(kPods, pod("hello", "robot-7", kMain));
    Request stranger = api.request("GET", std::string(kPods) + "/hello/exec?command=ls");
    stranger.user = {"stranger", {"system:authenticated"}};
    CHECK(api.ask(stranger).code == 403);
}

}  // namespace farhold::kuberest
