// SPDX-License-Identifier: Apache-2.0
//
// An API server that dies, hangs, forgets, or is put back to an older state.
#include "tests/support/kubernetes/cluster_site.hpp"

#include <csignal>
#include <filesystem>
#include <string>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using farhold::json::Value;

namespace {

constexpr auto kPods = "/api/v1/namespaces/default/pods/";

std::string holds(const ClusterSite& site, std::vector<std::string> words) {
    words.insert(words.begin(), {program("cloudcore"), "holds"});
    words.insert(words.end(), {"--kubeconfig", site.cluster.admin_kubeconfig()});
    return run(words);
}

}  // namespace

TEST_CASE(
    "in a cluster: the API server dies and hangs, and the machine does not notice", "[cluster]"
) {
    // etcd's history is kept for seconds only, so that a watch that was away too long is told 410.
    ClusterSite site([](ClusterOptions& options) {
        options.api_server_flags = {"--etcd-compaction-interval=5s"};
    });
    Cluster& cluster = site.cluster;
    site.run_pod("first");
    const auto running = identities(site.runtime);

    cluster.kill_api_server();
    CHECK(site.machine.connected());
    cluster.start_api_server();
    site.run_pod("second");

    cluster.signal_api_server(SIGSTOP);
    wait_until("cloudcore gives the hanging server up", 90s, [&] {
        return site.cloud.log().contains("the cluster's API cannot be used");
    });
    CHECK(site.machine.connected());
    cluster.signal_api_server(SIGCONT);
    site.run_pod("third");
    wait_until("the node is Ready", 60s, [&] { return site.cloud.node_ready("edge-1"); });

    for (const auto& [name, identity] : running) {
        INFO(name);
        CHECK(identities(site.runtime).at(name) == identity);
    }
    site.require_healed();
}

TEST_CASE("in a cluster: the API is put back to a backup", "[cluster]") {
    namespace fs = std::filesystem;
    ClusterSite site;
    Cluster& cluster = site.cluster;
    const std::string backup = cluster.folder() + "/backup";
    for (const char* name : {"a", "b", "c", "d", "e", "deleted-later"}) site.run_pod(name);
    cluster.while_stopped([&] {
        fs::copy(cluster.etcd_data(), backup, fs::copy_options::recursive);
    });
    const auto running = identities(site.runtime);
    site.run_pod("made-later");
    cluster.kubectl({"delete", "pod", "deleted-later"});
    cluster.kubectl({"label", "pod", "a", "changed=later"});
    cluster.while_stopped([&] {
        fs::remove_all(cluster.etcd_data());
        fs::rename(backup, cluster.etcd_data());
    });

    // What was deleted since is wanted again. What was made since may be gone, but nobody saw it go.
    wait_until("the machine follows the older state", 60s, [&] {
        return site.cloud.pod_phase("deleted-later") == "Running";
    });
    CHECK(cluster.get(std::string(kPods) + "made-later").is_null());
    wait_until("what is missing is held", 30s, [&] {
        return holds(site, {"list"}).contains("the cluster went back in time");
    });
    CHECK(identities(site.runtime).contains("default/made-later/main"));
    holds(site, {"confirm", "--all"});
    wait_until("it is gone once somebody has confirmed it", 60s, [&] {
        return !identities(site.runtime).contains("default/made-later/main");
    });
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        const std::string key = std::string("default/") + name + "/main";
        INFO(key);
        CHECK(identities(site.runtime).at(key) == running.at(key));
    }
    site.require_healed();
}
