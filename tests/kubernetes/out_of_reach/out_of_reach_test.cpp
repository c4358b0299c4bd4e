// SPDX-License-Identifier: Apache-2.0
//
// What a real node controller does to a machine whose link is down, and what is left of it when the
// link returns. Its timers are shortened; another machine in a zone of its own stays in reach, since
// nobody is evicted while every node is away.
#include "tests/support/kubernetes/cluster_site.hpp"

#include <csignal>
#include <map>
#include <string>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using farhold::json::Value;

namespace {

constexpr auto kPods = "/api/v1/namespaces/default/pods/";

void shorten(ClusterOptions& options) {
    options.eviction_seconds = 5;
    options.node_grace_seconds = 20;
    options.controller_manager_flags = {"--node-eviction-rate=10"};
}

std::string annotated(const std::string& manifest, const std::string& name) {
    Value pod = Value::parse(manifest).value();
    pod.ensure_path({"metadata", "annotations"}).set(name, Value::of("true"));
    return pod.dump();
}

// Two pods, one on each machine.
std::string spread_deployment() {
    return std::string(
               R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"both"},"spec":{)"
               R"("replicas":2,"selector":{"matchLabels":{"app":"both"}},"template":{)"
               R"("metadata":{"labels":{"app":"both"}},"spec":{"terminationGracePeriodSeconds":1,)"
               R"("topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"kubernetes.io/hostname",)"
               R"("whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"both"}}}],)"
               R"("containers":[{"name":"main","image":")"
           ) +
           ContainerdFixture::kBusybox +
           R"(","command":["/bin/sh","-c","exec sleep 1000000"]}]}}}})";
}

std::string condition(const Value& object, const std::string& type) {
    for (const Value& entry : object.elements_at({"status", "conditions"})) {
        if (entry.text_at({"type"}) == type) return std::string(entry.text_at({"status"}));
    }
    return {};
}

// Name to node, uid and "deleted" of a Deployment's pods.
std::map<std::string, std::string> pods_of(const Cluster& cluster, const std::string& app) {
    std::map<std::string, std::string> pods;
    const Value list = cluster.get("/api/v1/namespaces/default/pods?labelSelector=app%3D" + app);
    for (const Value& pod : list.elements_at({"items"})) {
        pods[std::string(pod.text_at({"metadata", "name"}))] =
            std::string(pod.text_at({"spec", "nodeName"})) + " " +
            std::string(pod.text_at({"metadata", "uid"})) +
            (pod.at_path({"metadata", "deletionTimestamp"}) == nullptr ? "" : " deleted");
    }
    return pods;
}

bool is_deleted(const Value& pod) {
    return pod.is_null() || pod.at_path({"metadata", "deletionTimestamp"}) != nullptr;
}

bool has_taint(const Value& node, const std::string& effect) {
    for (const Value& taint : node.elements_at({"spec", "taints"})) {
        if (taint.text_at({"key"}) == "node.kubernetes.io/unreachable" &&
            taint.text_at({"effect"}) == effect) {
            return true;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("in a cluster: a machine out of reach keeps its pods", "[cluster]") {
    ClusterSite site(shorten);
    Cluster& cluster = site.cluster;
    MachineOptions other;
    other.folder = site.runtime.folder() + "/edge-2";
    other.name = "edge-2";
    other.runtime_socket = site.runtime.socket();
    other.cgroup_parent = site.runtime.cgroup_parent() + "/edge-2";
    other.join_flags = {"--label", "topology.kubernetes.io/zone=elsewhere"};
    Machine second(site.cloud, other);
    second.join();
    second.start();
    wait_until("edge-2 is Ready", 60s, [&] { return site.cloud.node_ready("edge-2"); });

    cluster.apply(spread_deployment());
    cluster.apply(pod_manifest("kept", {.node = "edge-1"}));
    cluster.apply(pod_manifest("unwanted", {.node = "edge-1"}));
    cluster.apply(
        annotated(pod_manifest("moves", {.node = "edge-1"}), "farhold.io/evict-when-unreachable")
    );
    cluster.kubectl({"rollout", "status", "deployment/both", "--timeout=90s"});
    cluster.kubectl({"wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s"});
    const auto before = pods_of(cluster, "both");
    REQUIRE(before.size() == 2);
    const auto running = identities(site.runtime);

    site.machine.signal(SIGSTOP);
    wait_until("the node controller calls the machine unreachable", 90s, [&] {
        return has_taint(cluster.get("/api/v1/nodes/edge-1"), "NoExecute");
    });
    CHECK(condition(cluster.get("/api/v1/nodes/edge-1"), "Ready") == "Unknown");
    CHECK(condition(cluster.get("/api/v1/nodes/edge-2"), "Ready") == "True");
    wait_until("the pod that asked for it is evicted", 60s, [&] {
        return is_deleted(cluster.get(std::string(kPods) + "moves"));
    });
    // The others had as long.
    CHECK_FALSE(is_deleted(cluster.get(std::string(kPods) + "kept")));
    CHECK(condition(cluster.get(std::string(kPods) + "kept"), "Ready") == "False");
    CHECK(pods_of(cluster, "both") == before);
    cluster.kubectl({"delete", "pod", "unwanted", "--wait=false"});

    site.machine.signal(SIGCONT);
    wait_until("the node is Ready again", 15s, [&] { return site.cloud.node_ready("edge-1"); });
    wait_until("the machine's own word stands again", 15s, [&] {
        return condition(cluster.get(std::string(kPods) + "kept"), "Ready") == "True";
    });
    cluster.kubectl({"rollout", "status", "deployment/both", "--timeout=30s"});
    CHECK(pods_of(cluster, "both") == before);
    wait_until("what was deleted meanwhile is gone", 30s, [&] {
        return cluster.get(std::string(kPods) + "unwanted").is_null() &&
               cluster.get(std::string(kPods) + "moves").is_null();
    });
    wait_until("the taints are gone", 30s, [&] {
        const Value node = cluster.get("/api/v1/nodes/edge-1");
        return !has_taint(node, "NoExecute") && !has_taint(node, "NoSchedule");
    });
    // Nothing that stayed was started anew.
    for (const auto& [name, identity] : identities(site.runtime)) {
        INFO(name);
        CHECK(running.at(name) == identity);
    }
    site.require_healed();
}

TEST_CASE("in a cluster: a machine that is gone for good frees its pods", "[cluster]") {
    ClusterSite site(shorten);
    Cluster& cluster = site.cluster;
    site.run_pod("left", {.node = "edge-1"});
    site.machine.kill();
    cluster.kubectl({"delete", "node", "edge-1"});
    wait_until("the pod is collected", 90s, [&] {
        return cluster.get(std::string(kPods) + "left").is_null();
    });
}
