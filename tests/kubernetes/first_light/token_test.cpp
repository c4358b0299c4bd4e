// SPDX-License-Identifier: Apache-2.0
//
// What every pod of a cluster finds in it, on a machine: its account's token, and its Services.
#include "tests/support/kubernetes/cluster_site.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using farhold::json::Value;

namespace {

// As the container sees it.
std::string mounted(ContainerdFixture& runtime, const std::string& file) {
    const auto pid = identities(runtime).at("default/reader/main").pid;
    return read_text(
        fmt::format("/proc/{}/root/var/run/secrets/kubernetes.io/serviceaccount/{}", pid, file)
    );
}

bool runs_here(const Machine& machine, const std::string& name) {
    const Value status = machine.status();
    return std::ranges::any_of(status.elements_at({"pods"}), [&](const Value& pod) {
        return pod.text_at({"name"}) == name && pod.text_at({"phase"}) == "Running" &&
               pod.bool_at({"ready"});
    });
}

}  // namespace

TEST_CASE(
    "in a cluster: a pod has its account's token, after a reboot without network too", "[cluster]"
) {
    ClusterSite site;
    Cluster& cluster = site.cluster;
    cluster.kubectl({"create", "service", "clusterip", "web-shop", "--tcp=80:8080"});
    const Value service = cluster.get("/api/v1/namespaces/default/services/web-shop");
    site.run_pod("reader");
    const std::string environment = read_text(
        fmt::format("/proc/{}/environ", identities(site.runtime).at("default/reader/main").pid)
    );
    CHECK(environment.contains("KUBERNETES_SERVICE_HOST=10.96.0.1"));
    CHECK(environment.contains(
        fmt::format("WEB_SHOP_SERVICE_HOST={}", service.text_at({"spec", "clusterIP"}))
    ));
    const std::string token = mounted(site.runtime, "token");
    CHECK(mounted(site.runtime, "namespace") == "default");
    CHECK(mounted(site.runtime, "ca.crt") == read_text(cluster.credentials().ca_file()));

    write_file(cluster.folder() + "/reader.token", token);
    const std::string kubeconfig = cluster.credentials().kubeconfig_with_token_file(
        "reader", cluster.folder() + "/reader.token"
    );
    const std::string who =
        run({cluster.programs() + "/kubectl", "--kubeconfig", kubeconfig, "auth", "whoami"});
    CHECK(who.contains("system:serviceaccount:default:default"));
    CHECK(who.contains("authentication.kubernetes.io/pod-name"));
    CHECK_FALSE(site.cloud.log().contains(token));
    CHECK_FALSE(site.machine.log().contains(token));

    cluster.kill_api_server();
    site.cloud.kill();
    site.machine.kill();
    site.runtime.cut_power();
    site.runtime.start();
    site.machine.start();
    wait_until("the pod runs again, offline", 30s, [&] {
        return runs_here(site.machine, "reader");
    });
    CHECK(mounted(site.runtime, "token") == token);

    cluster.start_api_server();
    site.cloud.start();
    wait_until("the cloud knows it", 60s, [&] {
        return site.machine.connected() && site.cloud.pod_phase("reader") == "Running";
    });
    site.require_healed();
}
