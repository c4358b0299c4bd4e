// SPDX-License-Identifier: Apache-2.0
//
// A real API server comes to cloudcore as to the kubelet of a machine: logs, exec, copies and the node
// proxy, with the kubectl of its own version; and nobody else gets in.
#include "tests/support/kubernetes/cluster_site.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using farhold::json::Value;
using Words = std::vector<std::string>;

namespace {

constexpr std::size_t kBlobBytes = 5'000'000;

Words kubectl(const ClusterSite& site, const Words& arguments) {
    Words all{
        "timeout", "60", site.cluster.programs() + "/kubectl", "--kubeconfig",
        site.cluster.admin_kubeconfig()
    };
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The same at each run; no two places alike.
std::string blob() {
    std::mt19937 random(1);
    std::string bytes(kBlobBytes, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

// The HTTP status that the machines' kubelet answers to somebody with these credentials.
std::string status_for(const ClusterSite& site, const Words& credentials) {
    const Value node = site.cluster.get("/api/v1/nodes/edge-1");
    const auto port = node.integer_at({"status", "daemonEndpoints", "kubeletEndpoint", "Port"}, 0);
    const std::string address(node.elements_at({"status", "addresses"}).at(0).text_at({"address"}));
    Words words{"curl", "-sk", "-w", "%{http_code}", "-o", "/dev/null"};
    words.insert(words.end(), credentials.begin(), credentials.end());
    words.push_back(
        "https://" + address + ":" + std::to_string(port) + "/containerLogs/default/talker/main"
    );
    return run_to_end(words).output;
}

void write_identity(const ClusterSite& site, const std::string& name) {
    const auto identity = site.cluster.credentials().user(name, {});
    write_file(site.cluster.folder() + "/" + name + ".crt", identity.certificate_pem);
    write_file(site.cluster.folder() + "/" + name + ".key", identity.key_pem);
}

}  // namespace

TEST_CASE("reach: a real API server finds the machines' kubelet at cloudcore", "[reach]") {
    // Not on loopback, where the node proxy does not go, if there is another address.
    ClusterSite site({}, [](CloudOptions& cloud, MachineOptions&) {
        cloud.kubelet_address = "0.0.0.0:0";
    });
    site.run_pod("talker", {.command = "echo first; echo second; exec sleep 1000000"});

    const Outcome logs = run_to_end(kubectl(site, {"logs", "talker", "--tail=1"}));
    CHECK(logs.output == "second\n");
    CHECK(logs.exit_code == 0);

    const Outcome failed =
        run_to_end(kubectl(site, {"exec", "talker", "--", "sh", "-c", "echo out; exit 3"}));
    CHECK(failed.exit_code == 3);
    CHECK(failed.output.contains("out\n"));

    const std::string folder = site.cluster.folder();
    const std::string sent = blob();
    std::ofstream(folder + "/sent", std::ios::binary) << sent;
    for (const auto& [from, to] : {
             std::pair(folder + "/sent", std::string("talker:/tmp/blob")),
             std::pair(std::string("talker:/tmp/blob"), folder + "/received"),
         }) {
        const Outcome copied = run_to_end(kubectl(site, {"cp", from, to}));
        INFO(copied.output);
        CHECK(copied.exit_code == 0);
    }
    CHECK((read_file(folder + "/received") == sent));

    const Value node = site.cluster.get("/api/v1/nodes/edge-1");
    const std::string address(node.elements_at({"status", "addresses"}).at(0).text_at({"address"}));
    const Outcome health =
        run_to_end(kubectl(site, {"get", "--raw", "/api/v1/nodes/edge-1/proxy/healthz"}));
    INFO(health.output);
    if (address.starts_with("127.")) {
        CHECK(health.output.contains("address not allowed"));
    } else {
        CHECK(health.output == "ok");
    }

    write_identity(site, "somebody");
    const Words api_server{
        "--cert", folder + "/kubelet-client.crt", "--key", folder + "/kubelet-client.key"
    };
    CHECK(status_for(site, api_server) == "200");
    CHECK(status_for(site, {}) == "401");
    CHECK(
        status_for(site, {"--cert", folder + "/somebody.crt", "--key", folder + "/somebody.key"}) ==
        "403"
    );
    // A token of a ServiceAccount is no good for logs, whatever it may do.
    CHECK(status_for(site, {"-H", "Authorization: Bearer nonsense"}) == "401");
}
