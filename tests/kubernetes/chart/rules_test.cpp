// SPDX-License-Identifier: Apache-2.0
//
// A cloudcore that may do what the chart's roles say, while machines come, work and go: the API
// server's audit log tells whether something was denied, and what was never asked for.
#include "helm.hpp"
#include "rule_use.hpp"
#include "tests/support/kubernetes/cluster_site.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using farhold::json::Value;
using Texts = std::vector<std::string>;

namespace {

constexpr auto kPods = "/api/v1/namespaces/default/pods/";
constexpr auto kDevices = "/apis/devices.kubeedge.io/v1beta1/namespaces/default/";
constexpr auto kHold = "/api/v1/namespaces/kube-system/configmaps/farhold-removal-hold";

// What a pod may refer to, and a pod that refers to all of it.
std::string needy_pod() {
    return std::string(R"({"apiVersion":"v1","kind":"List","items":[
        {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"map"},"data":{"a":"1"}},
        {"apiVersion":"v1","kind":"Secret","metadata":{"name":"secret"},"stringData":{"b":"2"}},
        {"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"robot"}},
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"needy"},"spec":{
            "serviceAccountName":"robot","terminationGracePeriodSeconds":1,"containers":[{
                "name":"main","image":")") +
           ContainerdFixture::kBusybox + R"(","command":["/bin/sh","-c","exec sleep 1000000"],
                "envFrom":[{"configMapRef":{"name":"map"}},{"secretRef":{"name":"secret"}}]}]}}]})";
}

// An Event of a pod that was told twice.
bool is_repeated(const Cluster& cluster, const std::string& pod) {
    const Value events =
        cluster.get("/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3D" + pod);
    for (const Value& event : events.elements_at({"items"})) {
        if (event.integer_at({"count"}, 0) > 1) return true;
    }
    return false;
}

// A pod that ends again and again until the Event that says so was told twice.
void run_failing_pod(ClusterSite& site) {
    site.cluster.apply(pod_manifest("fails", {.command = "exit 1"}));
    wait_until("an event is repeated", 120s, [&] { return is_repeated(site.cluster, "fails"); });
}

// `cloudcore token ...` as in the chart's Pod: with its account, and no data folder that knows an API.
std::string token_command(ClusterSite& site, Texts arguments) {
    const Texts words{
        "env", "KUBECONFIG=" + site.cloud.options().cluster_kubeconfig, program("cloudcore"),
        "token"
    };
    arguments.insert(arguments.begin(), words.begin(), words.end());
    arguments.insert(arguments.end(), {"--data-dir", site.runtime.folder() + "/none"});
    return run(arguments);
}

// Runs the command that `token create` has printed, as a machine named edge-2.
void join(ClusterSite& site, const std::string& folder, const std::string& printed) {
    std::string command = printed.substr(0, printed.find('\n'));
    command.replace(0, command.find(' '), program("edgecore"));
    command += " --data-dir " + folder + " --config " + folder + ".yaml --local-api-address auto" +
               " --runtime-endpoint unix://" + site.runtime.socket();
    if (!command.contains("--node-name")) command += " --node-name edge-2";
    run({"sh", "-c", command});
}

// A machine joins, joins again as the same Node from an empty disk, and leaves.
void come_and_go(ClusterSite& site) {
    const std::string folder = site.runtime.folder() + "/edge-2";
    join(site, folder, token_command(site, {"create"}));
    join(site, folder + "-again", token_command(site, {"create", "--node", "edge-2"}));
    run({program("edgecore"), "leave", "--config", folder + "-again.yaml"});
    CHECK(site.cluster.get("/api/v1/nodes/edge-2").is_null());
    const std::string line = token_command(site, {"create"});
    const auto id = line.find("fh1.") + 4;
    token_command(site, {"revoke", line.substr(id, line.find('.', id) - id)});
}

// Somebody with a token comes to the machines' kubelet, who may not see what it measures.
void ask_kubelet(ClusterSite& site) {
    std::int64_t port = 0;
    wait_until("the Node leads to the kubelet", 60s, [&] {
        const Value node = site.cluster.get("/api/v1/nodes/edge-1");
        port = node.integer_at({"status", "daemonEndpoints", "kubeletEndpoint", "Port"}, 0);
        return port != 0;
    });
    const std::string token = site.cluster.new_token(Helm::kAccount, "farhold", 1h);
    const std::string url =
        "https://127.0.0.1:" + std::to_string(port) + "/nodes/edge-1/metrics/resource";
    const std::string answer = run(
        {"curl", "-sk", "-w", "%{http_code}", "-o", "/dev/null", "-H",
         "Authorization: Bearer " + token, url}
    );
    CHECK(answer == "403");
}

std::vector<Access> granted(const Cluster& cluster) {
    std::vector<Access> all;
    for (const std::string kind : {"clusterroles", "roles"}) {
        const Value roles = cluster.get(
            "/apis/rbac.authorization.k8s.io/v1/" + kind +
            "?labelSelector=app.kubernetes.io%2Finstance%3Dfarhold"
        );
        for (const Value& role : roles.elements_at({"items"})) {
            const auto accesses = accesses_of(role);
            all.insert(all.end(), accesses.begin(), accesses.end());
        }
    }
    return all;
}

// Before a watch is resumed, a list tells how far the server is; else lists come by watches.
void cut_watches(ClusterSite& site) {
    run_to_end(
        {"ss", "-K", "dst", "127.0.0.1", "dport", "=", std::to_string(site.cluster.api_port())}
    );
    for (const char* kind : {"nodes", "configmaps", "serviceaccounts", "pods"}) {
        wait_until("watches are resumed", 60s, [&] {
            return site.cloud.metrics().contains(fmt::format(
                R"(farhold_cluster_requests_total{{verb="list",resource="{}",code="200"}})", kind
            ));
        });
    }
}

std::string device(const std::string& name, const std::string& node) {
    return fmt::format(
        R"({{"apiVersion":"devices.kubeedge.io/v1beta1","kind":"Device","metadata":{{"name":"{}"}},
        "spec":{{"deviceModelRef":{{"name":"lamp"}},"nodeName":"{}",
        "protocol":{{"protocolName":"modbus"}},
        "properties":[{{"name":"power","desired":{{"value":"1"}}}}]}}}})",
        name, node
    );
}

// A device of a protocol that is not served, which is told; its name belonged to another one, whose
// status is still there.
void use_device(ClusterSite& site) {
    site.cluster.apply(R"({"apiVersion":"devices.kubeedge.io/v1beta1","kind":"DeviceModel",
        "metadata":{"name":"lamp"},"spec":{"properties":[
            {"name":"power","type":"INT","accessMode":"ReadWrite"}]}})");
    site.cluster.apply(device("other", "elsewhere"));
    const Value other = site.cluster.get(std::string(kDevices) + "devices/other");
    site.cluster.apply(fmt::format(
        R"({{"apiVersion":"devices.kubeedge.io/v1beta1","kind":"DeviceStatus","metadata":{{
        "name":"lamp","ownerReferences":[{{"apiVersion":"devices.kubeedge.io/v1beta1",
        "kind":"Device","name":"other","uid":"{}"}}]}}}})",
        other.text_at({"metadata", "uid"})
    ));
    site.cluster.apply(device("lamp", "edge-1"));
    const Value lamp = site.cluster.get(std::string(kDevices) + "devices/lamp");
    wait_until("the machine has the device", 60s, [&] {
        const auto devices = site.machine.status().elements_at({"devices"});
        return devices.size() == 1;
    });
    for (const std::string value : {"2", "3"}) {
        run(
            {program("edgecore"), "device", "set", "lamp", "power=" + value, "--data-dir",
             site.machine.data_dir()}
        );
        wait_until("the cloud knows what was set", 60s, [&] {
            const Value status = site.cluster.get(std::string(kDevices) + "devicestatuses/lamp");
            return status.dump().contains(fmt::format(R"("value":"{}")", value)) &&
                   status.dump().contains(lamp.text_at({"metadata", "uid"}));
        });
    }
    wait_until("the device's state is told", 60s, [&] {
        return site.cluster.get(std::string(kDevices) + "devices/lamp").find("status") != nullptr;
    });
}

// All that cloudcore ever asks the API for, once at least.
void live_through_it(ClusterSite& site) {
    site.cluster.apply(needy_pod());
    wait_until("the pod runs", 60s, [&] { return site.cloud.pod_phase("needy") == "Running"; });
    run_failing_pod(site);
    cut_watches(site);
    ask_kubelet(site);
    come_and_go(site);
    use_device(site);

    site.machine.stop();
    site.machine.start();
    wait_until("the machine is back", 60s, [&] { return site.machine.connected(); });
    site.cluster.kubectl({"delete", "pod", "needy", "fails", "--wait=false"});
    wait_until("the pods are gone", 60s, [&] {
        return site.cluster.get(std::string(kPods) + "needy").is_null() &&
               site.cluster.get(std::string(kPods) + "fails").is_null();
    });

    // As its Pod is made again elsewhere: on an empty disk.
    site.cloud.stop();
    std::filesystem::remove_all(site.cloud.data_dir());
    site.cloud.start();
    wait_until("the machine takes it for the same hub", 60s, [&] {
        return site.machine.connected();
    });
    site.run_pod("second");
    site.require_healed();

    // Its Node is deleted and put back; the pod that it still has of the old one is held.
    site.machine.stop();
    site.cluster.kubectl({"delete", "pod", "second", "--force", "--grace-period=0"});
    const Value node = site.cluster.get("/api/v1/nodes/edge-1");
    site.cluster.kubectl({"delete", "node", "edge-1"});
    Value again = Value::parse(R"({"apiVersion":"v1","kind":"Node"})").value();
    again.ensure_path({"metadata", "name"}) = Value::of("edge-1");
    again.ensure_path({"metadata", "annotations"}) = *node.at_path({"metadata", "annotations"});
    site.cluster.apply(again.dump());
    site.machine.start();
    wait_until("the hold is on record", 60s, [&] {
        const Value hold = site.cluster.get(kHold);
        return hold.text_at({"data", "record"}).contains("edge-1");
    });
}

}  // namespace

TEST_CASE("chart: its roles grant what cloudcore asks for, and nothing else", "[chart]") {
    ClusterSite site({}, {}, [](Cluster& cluster, CloudOptions& cloud) {
        Helm(cluster).deploy("install");
        cloud.cluster_kubeconfig = cluster.account(Helm::kAccount, "farhold").kubeconfig;
    });
    std::string failure;
    try {
        live_through_it(site);
    } catch (const std::exception& error) {
        failure = error.what();
    }
    const auto use =
        compare_use(granted(site.cluster), read_text(site.cluster.audit_log()), Helm::kUser);
    REQUIRE(use);
    // The chart's own Pod waits for a node that is no machine.
    const Value pods = site.cluster.get("/api/v1/namespaces/farhold/pods");
    CHECK(pods.elements_at({"items"}).at(0).text_at({"spec", "nodeName"}) == "");
    CHECK(use->denied == Texts{});
    CHECK(failure == "");
    CHECK(use->unused == Texts{});
    std::printf("%zu requests, %zu denied\n", use->requests, use->denied.size());
}
