// SPDX-License-Identifier: Apache-2.0
#include "schema_fixture.hpp"

using namespace farhold;
using namespace farhold::kubeschema;

namespace {

json::Value pod_with(std::string_view spec) {
    return created("Pod", R"({"metadata":{"name":"p"},"spec":)" + std::string(spec) + "}");
}

std::string policy(std::string_view image) {
    const auto pod =
        pod_with(R"({"containers":[{"name":"c","image":")" + std::string(image) + R"("}]})");
    return std::string(pod.at_path({"spec", "containers"})->array()[0].text_at({"imagePullPolicy"})
    );
}

std::string qos(std::string_view resources) {
    return std::string(pod_with(
                           R"({"containers":[{"name":"c","image":"i","resources":)" +
                           std::string(resources) + "}]}"
    )
                           .text_at({"status", "qosClass"}));
}

}  // namespace

TEST_CASE("pod defaults: a small pod gets what Kubernetes gives it", "[kubeschema]") {
    const auto pod =
        pod_with(R"({"containers":[{"name":"c","image":"busybox:1","ports":[{"containerPort":80}],)"
                 R"("livenessProbe":{"httpGet":{"port":80}},)"
                 R"("env":[{"name":"N","valueFrom":{"fieldRef":{"fieldPath":"spec.nodeName"}}}]}],)"
                 R"("volumes":[{"name":"e"},{"name":"s","secret":{"secretName":"x"}}]})");
    CHECK(
        pod.find("spec")->dump() ==
        R"({"containers":[{"name":"c","image":"busybox:1",)"
        R"("ports":[{"containerPort":80,"protocol":"TCP"}],"livenessProbe":{"httpGet":{"port":80,)"
        R"("path":"/","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,)"
        R"("failureThreshold":3},"env":[{"name":"N","valueFrom":{"fieldRef":{)"
        R"("fieldPath":"spec.nodeName","apiVersion":"v1"}}}],"resources":{},)"
        R"("terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",)"
        R"("imagePullPolicy":"IfNotPresent"}],"volumes":[{"name":"e","emptyDir":{}},)"
        R"({"name":"s","secret":{"secretName":"x","defaultMode":420}}],"restartPolicy":"Always",)"
        R"("terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",)"
        R"("schedulerName":"default-scheduler","securityContext":{},"enableServiceLinks":true,)"
        R"("priority":0,"preemptionPolicy":"PreemptLowerPriority","serviceAccountName":"default",)"
        R"("serviceAccount":"default","tolerations":[{"key":"node.kubernetes.io/not-ready",)"
        R"("operator":"Exists","effect":"NoExecute","tolerationSeconds":300},)"
        R"({"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute",)"
        R"("tolerationSeconds":300}]})"
    );
    CHECK(pod.text_at({"status", "phase"}) == "Pending");
    CHECK(pod.integer_at({"metadata", "generation"}) == 1);
}

TEST_CASE("pod defaults: applying them again changes nothing", "[kubeschema]") {
    json::Value pod = pod_with(R"({"containers":[{"name":"c","image":"i"}]})");
    const json::Value before = pod;
    std::vector<std::string> unknown;
    REQUIRE(conform(type_of("Pod"), pod, unknown));
    apply_defaults(type_of("Pod"), pod);
    CHECK(pod.dump() == before.dump());
}

TEST_CASE("pod defaults: the pull policy follows tag and digest", "[kubeschema]") {
    CHECK(policy("busybox") == "Always");
    CHECK(policy("busybox:latest") == "Always");
    CHECK(policy("busybox:1") == "IfNotPresent");
    CHECK(policy("registry:5000/busybox") == "Always");
    CHECK(policy("registry:5000/busybox:1") == "IfNotPresent");
    CHECK(policy("busybox@sha256:abc") == "IfNotPresent");
}

TEST_CASE("pod defaults: own tolerations keep the default ones away", "[kubeschema]") {
    const auto count = [](std::string_view tolerations) {
        return pod_with(
                   R"({"containers":[{"name":"c","image":"i"}],"tolerations":)" +
                   std::string(tolerations) + "}"
        )
            .at_path({"spec", "tolerations"})
            ->size();
    };
    CHECK(count("[]") == 2);
    CHECK(count(R"([{"operator":"Exists"}])") == 1);
    CHECK(count(R"([{"key":"node.kubernetes.io/not-ready","operator":"Exists"}])") == 2);
    CHECK(count(R"([{"operator":"Exists","effect":"NoSchedule"}])") == 3);
}

TEST_CASE(
    "pod defaults: limits are requests too, and decide the quality of service", "[kubeschema]"
) {
    CHECK(qos("{}") == "BestEffort");
    CHECK(qos(R"({"requests":{"cpu":"1"}})") == "Burstable");
    CHECK(qos(R"({"limits":{"cpu":"1","memory":"1Gi"}})") == "Guaranteed");
    CHECK(qos(R"({"limits":{"cpu":"1"}})") == "Burstable");
    CHECK(qos(R"({"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"0.5"}})") == "Burstable");
}

TEST_CASE("pod defaults: ports of the host's network are the container's", "[kubeschema]") {
    const auto pod = pod_with(R"({"hostNetwork":true,"containers":[{"name":"c","image":"i",)"
                              R"("ports":[{"containerPort":80}]}]})");
    CHECK(
        pod.at_path({"spec", "containers"})->array()[0].find("ports")->dump() ==
        R"([{"containerPort":80,"protocol":"TCP","hostPort":80}])"
    );
}
