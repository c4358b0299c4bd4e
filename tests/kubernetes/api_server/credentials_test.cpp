// SPDX-License-Identifier: Apache-2.0
//
// What proves cloudcore to the API server is replaced while it runs.
#include "tests/support/kubernetes/cluster_site.hpp"

#include <string>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using farhold::json::Value;

TEST_CASE("in a cluster: cloudcore's token is revoked and replaced", "[cluster]") {
    Cluster::AccountFiles files;
    ClusterSite site({}, {}, [&](Cluster& cluster, CloudOptions& cloud) {
        cluster.kubectl({"create", "serviceaccount", "operator", "-n", "kube-system"});
        cluster.kubectl(
            {"create", "clusterrolebinding", "operator", "--clusterrole=cluster-admin",
             "--serviceaccount=kube-system:operator"}
        );
        files = cluster.account("operator", "kube-system");
        cloud.cluster_kubeconfig = files.kubeconfig;
    });
    site.run_pod("first");
    // A token is bound to the account's uid.
    site.cluster.kubectl({"delete", "serviceaccount", "operator", "-n", "kube-system"});
    wait_until("the API server refuses the token", 60s, [&] {
        return site.cloud.log().contains("401 Unauthorized");
    });
    CHECK(site.machine.connected());
    site.cluster.kubectl({"create", "serviceaccount", "operator", "-n", "kube-system"});
    write_file(files.token, site.cluster.new_token("operator", "kube-system", 1h));
    site.run_pod("second");
    site.require_healed();
}

TEST_CASE("in a cluster: cloudcore's certificate expires and is replaced", "[cluster]") {
    std::string certificate;
    std::string key;
    const auto renew = [&](const Cluster& cluster, std::chrono::seconds life) {
        const auto identity = cluster.credentials().user("operator", {"system:masters"}, life);
        write_file(key, identity.key_pem);
        write_file(certificate, identity.certificate_pem);
    };
    ClusterSite site({}, {}, [&](Cluster& cluster, CloudOptions& cloud) {
        certificate = cluster.folder() + "/operator.crt";
        key = cluster.folder() + "/operator.key";
        renew(cluster, 60s);
        cloud.cluster_kubeconfig =
            cluster.credentials().kubeconfig_with_files("operator", certificate, key);
    });
    site.run_pod("first");
    wait_until("the certificate has expired", 90s, [&] {
        return site.cloud.log().contains("401 Unauthorized");
    });
    CHECK(site.machine.connected());
    renew(site.cluster, 1h);
    site.run_pod("second");
    site.require_healed();
}
