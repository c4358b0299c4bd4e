// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/scheduler/pod_placement.hpp"

#include "tests/support/catch.hpp"

using namespace farhold;
using namespace farhold::scheduler;

namespace {

json::Value parse(std::string_view text) {
    auto value = json::Value::parse(text);
    REQUIRE(value);
    return *value;
}

std::shared_ptr<const json::Value> node(
    const std::string& name, const std::string& labels = "{}", const std::string& spec = "{}"
) {
    return std::make_shared<const json::Value>(parse(
        R"({"metadata":{"name":")" + name + R"(","labels":)" + labels + R"(},"spec":)" + spec +
        R"(,"status":{"allocatable":{"cpu":"2","memory":"1Gi","pods":"3"}}})"
    ));
}

json::Value pod(const std::string& spec) {
    return parse(R"({"metadata":{"name":"p"},"spec":)" + spec + "}");
}

std::string chosen(const Cluster& cluster, const json::Value& wanted) {
    const Placement placement = cluster.place(wanted);
    const auto* node_chosen = std::get_if<Chosen>(&placement);
    return node_chosen != nullptr ? node_chosen->node : "";
}

std::string objection(const Cluster& cluster, const json::Value& wanted) {
    const Placement placement = cluster.place(wanted);
    const auto* none = std::get_if<Unschedulable>(&placement);
    return none != nullptr ? none->message : "";
}

}  // namespace

TEST_CASE("placement: the emptiest node wins, then the first by name", "[scheduler]") {
    Cluster cluster;
    cluster.put_node("b", node("b"));
    cluster.put_node("a", node("a"));
    CHECK(chosen(cluster, pod("{}")) == "a");
    cluster.put_pod("u1", pod(R"({"nodeName":"a"})"));
    CHECK(chosen(cluster, pod("{}")) == "b");
    cluster.remove_pod("u1");
    CHECK(chosen(cluster, pod("{}")) == "a");
}

TEST_CASE("placement: nodeSelector and required affinity are obeyed", "[scheduler]") {
    Cluster cluster;
    cluster.put_node("a", node("a", R"({"zone":"east","size":"3"})"));
    cluster.put_node("b", node("b", R"({"zone":"west","size":"9"})"));
    CHECK(chosen(cluster, pod(R"({"nodeSelector":{"zone":"west"}})")) == "b");
    CHECK(
        objection(cluster, pod(R"({"nodeSelector":{"zone":"north"}})")) ==
        "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."
    );
    const auto affinity = [](const std::string& term) {
        return pod(
            R"({"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":)"
            R"({"nodeSelectorTerms":[)" +
            term + "]}}}}"
        );
    };
    const auto label = [&](const std::string& rest) {
        return affinity(R"({"matchExpressions":[{)" + rest + "}]}");
    };
    CHECK(chosen(cluster, label(R"("key":"zone","operator":"NotIn","values":["east"])")) == "b");
    CHECK(chosen(cluster, label(R"("key":"size","operator":"Gt","values":["5"])")) == "b");
    CHECK(chosen(cluster, label(R"("key":"none","operator":"Exists")")).empty());
    CHECK(chosen(cluster, label(R"("key":"none","operator":"DoesNotExist")")) == "a");
    CHECK(chosen(cluster, affinity("{}")).empty());
    CHECK(
        chosen(
            cluster, affinity(R"({"matchFields":[{"key":"metadata.name","operator":"In",)"
                              R"("values":["b"]}]})")
        ) == "b"
    );
}

TEST_CASE("placement: taints keep pods away that do not tolerate them", "[scheduler]") {
    Cluster cluster;
    const std::string tainted =
        R"({"taints":[{"key":"node.kubernetes.io/unreachable","effect":"NoSchedule"}]})";
    cluster.put_node("a", node("a", "{}", tainted));
    CHECK(
        objection(cluster, pod("{}")) ==
        "0/1 nodes are available: 1 node(s) had untolerated taint "
        "{node.kubernetes.io/unreachable: }."
    );
    CHECK(chosen(cluster, pod(R"({"tolerations":[{"operator":"Exists"}]})")) == "a");
    CHECK(chosen(
              cluster, pod(R"({"tolerations":[{"key":"node.kubernetes.io/unreachable",)"
                           R"("operator":"Exists","effect":"NoExecute"}]})")
    )
              .empty());
    cluster.put_node("a", node("a", "{}", R"({"unschedulable":true})"));
    CHECK(
        objection(cluster, pod("{}")) == "0/1 nodes are available: 1 node(s) were unschedulable."
    );
}

TEST_CASE("placement: what is already requested counts, what has ended does not", "[scheduler]") {
    Cluster cluster;
    cluster.put_node("a", node("a"));
    const std::string wants = R"("containers":[{"resources":{"requests":{"cpu":"1500m"}}}])";
    cluster.put_pod("u1", pod(R"({"nodeName":"a",)" + wants + "}"));
    CHECK(
        objection(cluster, pod("{" + wants + "}")) == "0/1 nodes are available: 1 Insufficient cpu."
    );
    json::Value ended = pod(R"({"nodeName":"a",)" + wants + "}");
    ended.ensure_path({"status"}).set("phase", json::Value::of("Succeeded"));
    cluster.put_pod("u1", ended);
    CHECK(chosen(cluster, pod("{" + wants + "}")) == "a");
    for (const char* uid : {"x", "y", "z"}) cluster.put_pod(uid, pod(R"({"nodeName":"a"})"));
    CHECK(objection(cluster, pod("{}")) == "0/1 nodes are available: 1 Too many pods.");
}

TEST_CASE("placement: requests beyond any machine do not wrap around", "[scheduler]") {
    Cluster cluster;
    cluster.put_node("a", node("a"));
    const std::string huge = R"({"resources":{"requests":{"cpu":"8E","memory":"8E"}}})";
    const json::Value wanted = pod(R"({"containers":[)" + huge + "," + huge + "]}");
    CHECK(objection(cluster, wanted) == "0/1 nodes are available: 1 Insufficient cpu.");
    CHECK(
        requests_of(pod(R"({"containers":[{"resources":{"requests":{"cpu":{},"memory":true}}}]})"))
            .milli_cpu == 0
    );
}

TEST_CASE("placement: only free pods of the default scheduler are taken", "[scheduler]") {
    CHECK(wants_scheduling(pod("{}")));
    CHECK(wants_scheduling(pod(R"({"schedulerName":"default-scheduler"})")));
    CHECK_FALSE(wants_scheduling(pod(R"({"schedulerName":"mine"})")));
    CHECK_FALSE(wants_scheduling(pod(R"({"nodeName":"a"})")));
    CHECK_FALSE(wants_scheduling(pod(R"({"schedulingGates":[{"name":"g"}]})")));
}
