// SPDX-License-Identifier: Apache-2.0
//
// The chart against a real API server and real controllers. There is no node, so its Pod is made and
// waits; what it may do is tested in rules_test.cpp, with a cloudcore that runs.
#include "helm.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <exception>
#include <string>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using farhold::json::Value;

namespace {

constexpr auto kPods = "/api/v1/namespaces/farhold/pods";
constexpr auto kFlows = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/";
constexpr auto kHeartbeats = "farhold-farhold-farhold-cloudcore-heartbeats";
constexpr auto kOther = "farhold-farhold-farhold-cloudcore";

// The hash of the configuration that the one Pod has; empty when there is not one.
std::string config_of_pod(const Cluster& cluster) {
    const Value pods = cluster.get(kPods);
    const auto& items = pods.elements_at({"items"});
    if (items.size() != 1) return {};
    return std::string(items[0].text_at({"metadata", "annotations", "farhold.io/config-hash"}));
}

// The FlowSchema that a request of cloudcore's account is classed by, whether it is allowed or not.
std::string flow_of(const Cluster& cluster, const std::string& method, const std::string& path) {
    const std::string token = cluster.new_token(Helm::kAccount, "farhold", 600s);
    const std::string answer = run(
        {"curl", "-sS", "--http1.1", "-D", "-", "-o", "/dev/null", "--cacert",
         cluster.credentials().ca_file(), "-X", method, "-H", "Authorization: Bearer " + token,
         "-H", "Content-Type: application/merge-patch+json", "-d", "{}",
         "https://127.0.0.1:" + std::to_string(cluster.api_port()) + path}
    );
    for (const std::string name : {kHeartbeats, kOther}) {
        const std::string uid(cluster.get(kFlows + name).text_at({"metadata", "uid"}));
        if (!uid.empty() && answer.contains(uid)) return name;
    }
    return answer;
}

}  // namespace

// What kubectl says of a Device "d" whose level is to be that; empty when it was taken.
std::string refusal_of_level(const Cluster& cluster, const std::string& value) {
    try {
        cluster.apply(
            R"({"apiVersion":"devices.kubeedge.io/v1beta1","kind":"Device","metadata":{"name":"d"},
            "spec":{"deviceModelRef":{"name":"m"},"nodeName":"robot","properties":[{"name":"level",
            "desired":{"value":")" +
            value + R"("}}]}})"
        );
        return {};
    } catch (const std::exception& error) {
        return error.what();
    }
}

void check_device_policy(const Cluster& cluster) {
    cluster.apply(
        R"({"apiVersion":"devices.kubeedge.io/v1beta1","kind":"DeviceModel","metadata":{"name":"m"},
        "spec":{"properties":[{"name":"level","type":"INT","accessMode":"ReadWrite","minimum":"0",
        "maximum":"100"}]}})"
    );
    // Until then the policy is not everywhere yet.
    std::string refusal;
    wait_until("a value above the maximum is refused", 60s, [&] {
        refusal = refusal_of_level(cluster, "101");
        return !refusal.empty();
    });
    CHECK(refusal.contains(
        "spec.properties[level].desired.value: Invalid value: \"101\": must not be more than 100"
    ));
    CHECK(refusal_of_level(cluster, "-1").contains("must not be less than 0"));
    CHECK(refusal_of_level(cluster, "warm").contains("must be a whole number"));
    CHECK(refusal_of_level(cluster, "100").empty());
    CHECK(cluster.kubectl({"get", "dev"}).contains("LAST REPORT"));
}

TEST_CASE("chart: is installed, upgraded and removed by Helm", "[chart]") {
    const TempDir folder;
    ClusterOptions options;
    options.folder = folder.path() + "/cluster";
    Cluster cluster(options);
    cluster.start();
    const Helm helm(cluster);

    const std::string notes = helm.deploy("install");
    CHECK(notes.contains("exec deployment/farhold-cloudcore -- cloudcore token create"));
    wait_until("the Pod is admitted", 60s, [&] { return !config_of_pod(cluster).empty(); });
    const std::string before = config_of_pod(cluster);

    const std::string lease =
        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/robot";
    CHECK(flow_of(cluster, "PATCH", lease) == kHeartbeats);
    CHECK(flow_of(cluster, "PATCH", "/api/v1/nodes/robot/status") == kHeartbeats);
    CHECK(flow_of(cluster, "PATCH", "/api/v1/namespaces/default/pods/hello/status") == kOther);
    CHECK(flow_of(cluster, "GET", "/api/v1/nodes") == kOther);

    check_device_policy(cluster);

    const Outcome refused = helm.try_deploy("upgrade", {"hub.nmaes={robots.example.com}"});
    CHECK(refused.exit_code != 0);
    CHECK(refused.output.contains("nmaes"));
    CHECK(config_of_pod(cluster) == before);

    helm.deploy(
        "upgrade",
        {"hub.names={robots.example.com:30100}", "service.type=NodePort", "service.nodePort=30100"}
    );
    wait_until("the Pod is replaced", 60s, [&] {
        const std::string now = config_of_pod(cluster);
        return !now.empty() && now != before;
    });
    const Value service = cluster.get("/api/v1/namespaces/farhold/services/farhold-cloudcore");
    CHECK(service.elements_at({"spec", "ports"}).at(0).integer_at({"nodePort"}, 0) == 30100);

    helm.uninstall();
    wait_until("nothing of the release is left", 60s, [&] {
        return cluster.kubectl(
            {"get",
             "deployments,pods,services,configmaps,serviceaccounts,roles,rolebindings,"
             "clusterroles,clusterrolebindings,flowschemas,validatingadmissionpolicies,"
             "validatingadmissionpolicybindings",
             "--all-namespaces", "--selector", Helm::kSelector, "--output=name"}
        );
    });
}
