// SPDX-License-Identifier: Apache-2.0
//
// Watches that are cut in the middle, and a history that is no longer there when somebody returns.
#include "tests/support/kubernetes/cluster_site.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>

#include <ranges>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using farhold::json::Value;

namespace {

std::string config_map(int number) {
    return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"data":{"number":")" +
           std::to_string(number) + R"("}})";
}

std::string reader_pod() {
    Value pod = Value::parse(pod_manifest("reader")).value();
    Value& spec = pod.ensure_path({"spec"});
    spec.set(
        "volumes", Value::parse(R"([{"name":"settings","configMap":{"name":"settings"}}])").value()
    );
    spec.find("containers")
        ->array()
        .front()
        .set(
            "volumeMounts", Value::parse(R"([{"name":"settings","mountPath":"/settings"}])").value()
        );
    return pod.dump();
}

// As the pod sees it.
std::string number_on(ContainerdFixture& runtime) {
    const auto pid = identities(runtime).at("default/reader/main").pid;
    return read_text(fmt::format("/proc/{}/root/settings/number", pid));
}

// etcd's history is kept for seconds only, so that whoever was away is told 410; and who is away is
// noticed sooner than in five beats of its Lease.
void forget_quickly(ClusterOptions& options) {
    options.api_server_flags = {"--etcd-compaction-interval=5s"};
    options.node_grace_seconds = 20;
}

// How a cloudcore that starts beside a cluster reads what it follows in all namespaces, as the API
// server's audit log has it: "nodes watch 200".
std::set<std::string> ways_to_list(const std::vector<std::string>& api_server_flags) {
    const TempDir folder;
    ClusterOptions options;
    options.folder = folder.path() + "/cluster";
    options.controllers = false;
    options.api_server_flags = api_server_flags;
    Cluster cluster(options);
    cluster.start();
    for (int number = 0; number < 3; ++number) {
        cluster.apply(fmt::format(
            R"({{"apiVersion":"v1","kind":"Node","metadata":{{"name":"n{}"}}}})", number
        ));
    }
    CloudOptions beside;
    beside.folder = folder.path() + "/cloud";
    beside.cluster_kubeconfig = beside.admin_kubeconfig = cluster.admin_kubeconfig();
    beside.kubectl = cluster.programs() + "/kubectl";
    Cloud cloud(beside);
    cloud.start();
    wait_until("cloudcore knows the cluster", 60s, [&] {
        return cloud.log().contains("cluster known");
    });
    cloud.stop();
    std::set<std::string> ways;
    const std::string audit = read_text(cluster.audit_log());
    for (const auto part : std::views::split(audit, '\n')) {
        const std::string_view line(part);
        const Value event = line.empty() ? Value() : Value::parse(line).value();
        const std::string_view uri = event.text_at({"requestURI"});
        const bool by_watch = uri.contains("sendInitialEvents=true");
        if (!event.text_at({"userAgent"}).starts_with("cloudcore/") ||
            uri.contains("fieldSelector") || !event.text_at({"objectRef", "namespace"}).empty() ||
            (!by_watch && !uri.contains("limit=")) ||
            event.integer_at({"responseStatus", "code"}) == 404) {
            continue;  // The last: of kinds that this cluster does not have.
        }
        ways.insert(fmt::format(
            "{} {} {}", event.text_at({"objectRef", "resource"}), event.text_at({"verb"}),
            event.integer_at({"responseStatus", "code"})
        ));
    }
    return ways;
}

std::set<std::string> each_kind(std::string_view way) {
    std::set<std::string> ways;
    for (const char* kind :
         {"nodes", "configmaps", "secrets", "services", "serviceaccounts", "pods"}) {
        ways.insert(fmt::format("{} {}", kind, way));
    }
    return ways;
}

}  // namespace

TEST_CASE("in a cluster: collections are listed by the watch that follows them", "[cluster]") {
    CHECK(ways_to_list({}) == each_kind("watch 200"));
}

TEST_CASE(
    "in a cluster: collections are listed by pages where watches bring no list", "[cluster]"
) {
    std::set<std::string> expected = each_kind("watch 422");
    expected.merge(each_kind("list 200"));
    CHECK(ways_to_list({"--feature-gates=WatchList=false"}) == expected);
}

TEST_CASE("in a cluster: watches are cut while objects change", "[cluster]") {
    ClusterSite site;
    Cluster& cluster = site.cluster;
    cluster.apply(config_map(0));
    cluster.apply(reader_pod());
    wait_until("the pod runs", 60s, [&] { return site.cloud.pod_phase("reader") == "Running"; });
    for (int number = 1; number <= 20; ++number) {
        cluster.apply(config_map(number));
        // The kernel resets every connection to the API server, whatever is under way on it.
        run_to_end(
            {"ss", "-K", "dst", "127.0.0.1", "dport", "=", std::to_string(cluster.api_port())}
        );
    }
    wait_until("the machine has the last one", 30s, [&] {
        return number_on(site.runtime) == "20";
    });
    site.require_healed();
}

TEST_CASE("in a cluster: a machine returns after its history was forgotten", "[cluster]") {
    ClusterSite site(forget_quickly);
    Cluster& cluster = site.cluster;
    cluster.apply(config_map(0));
    cluster.apply(reader_pod());
    wait_until("the pod runs", 60s, [&] { return site.cloud.pod_phase("reader") == "Running"; });
    for (const char* name : {"a", "b", "c", "d", "e", "unwanted"}) site.run_pod(name);
    const auto running = identities(site.runtime);

    site.machine.kill();
    wait_until("the node is called unreachable", 120s, [&] {
        return !site.cloud.node_ready("edge-1");
    });
    cluster.apply(config_map(1));
    cluster.kubectl({"delete", "pod", "unwanted", "--wait=false"});
    cluster.apply(pod_manifest("new", {.node = "edge-1"}));
    // The API server, cloudcore and their memory of what was, too.
    cluster.kill_api_server();
    cluster.start_api_server();
    site.cloud.kill();
    site.cloud.start();
    cluster.apply(config_map(2));

    site.machine.start();
    wait_until("the machine is in step again", 60s, [&] {
        return site.cloud.pod_phase("new") == "Running" && number_on(site.runtime) == "2" &&
               cluster.get("/api/v1/namespaces/default/pods/unwanted").is_null();
    });
    for (const char* name : {"a", "b", "c", "d", "e", "reader"}) {
        const std::string key = std::string("default/") + name + "/main";
        INFO(key);
        CHECK(identities(site.runtime).at(key) == running.at(key));
    }
    site.require_healed();
}
