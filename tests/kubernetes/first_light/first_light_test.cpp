// SPDX-License-Identifier: Apache-2.0
//
// A machine in a real cluster: its scheduler and controllers put pods there, they run, and their status
// comes back.
#include "tests/support/kubernetes/cluster_site.hpp"

#include <string>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using farhold::json::Value;

namespace {

std::string workload(
    const std::string& kind, const std::string& api, const std::string& name,
    const std::string& more, const std::string& command = "exec sleep 1000000",
    const std::string& pod_spec = ""
) {
    return R"({"apiVersion":")" + api + R"(","kind":")" + kind + R"(","metadata":{"name":")" +
           name + R"("},"spec":{)" + more + R"("template":{"metadata":{"labels":{"app":")" + name +
           R"("}},"spec":{"terminationGracePeriodSeconds":1,)" + pod_spec +
           R"("containers":[{"name":"main","image":")" + ContainerdFixture::kBusybox +
           R"(","command":["/bin/sh","-c",")" + command + R"("]}]}}}})";
}

std::string selector(const std::string& name) {
    return R"("selector":{"matchLabels":{"app":")" + name + R"("}},)";
}

}  // namespace

TEST_CASE("in a cluster: what its controllers make runs on a machine", "[cluster]") {
    ClusterSite site;
    Cluster& cluster = site.cluster;

    cluster.apply(workload("Deployment", "apps/v1", "web", R"("replicas":2,)" + selector("web")));
    cluster.kubectl({"rollout", "status", "deployment/web", "--timeout=90s"});
    cluster.apply(workload("DaemonSet", "apps/v1", "agent", selector("agent")));
    cluster.kubectl({"rollout", "status", "daemonset/agent", "--timeout=60s"});
    cluster.apply(workload(
        "StatefulSet", "apps/v1", "db", R"("replicas":2,"serviceName":"db",)" + selector("db")
    ));
    cluster.kubectl({"rollout", "status", "statefulset/db", "--timeout=90s"});
    cluster.apply(
        workload("Job", "batch/v1", "once", "", "echo done; exit 0", R"("restartPolicy":"Never",)")
    );
    cluster.kubectl({"wait", "--for=condition=complete", "job/once", "--timeout=60s"});

    // A new version replaces the old one, pod by pod.
    cluster.kubectl({"set", "env", "deployment/web", "VERSION=2"});
    cluster.kubectl({"rollout", "status", "deployment/web", "--timeout=90s"});
    cluster.kubectl({"scale", "deployment/web", "--replicas=0"});
    wait_until("no pod of web is left", 60s, [&] {
        return cluster.get("/api/v1/namespaces/default/pods?labelSelector=app%3Dweb")
            .elements_at({"items"})
            .empty();
    });
    site.require_healed();
}
