// SPDX-License-Identifier: Apache-2.0
#include "edgecore/volumes/network_files.hpp"

#include "pod_text.hpp"
#include "tests/support/catch.hpp"

namespace farhold::volumes::test {

namespace {

constexpr auto kResolvConf =
    "# comment\nnameserver 192.0.2.53\nsearch lan\noptions ndots:1 edns0\n";

}  // namespace

TEST_CASE("network_files: a pod has its own name, cut to what a hostname may be", "[volumes]") {
    CHECK(pod_hostname(pod(""), "machine") == "hello");
    CHECK(pod_hostname(pod("", R"("hostname":"own",)"), "machine") == "own");
    CHECK(pod_hostname(pod("", R"("hostNetwork":true,)"), "machine") == "machine");
    const std::string name = std::string(62, 'a') + "-b";
    CHECK(pod_hostname(pod("", R"("hostname":")" + name + R"(",)"), "m") == std::string(62, 'a'));
}

TEST_CASE("network_files: the hosts file is kubelet's", "[volumes]") {
    const auto spec = pod("", R"("hostAliases":[{"ip":"192.0.2.9","hostnames":["db","db.lan"]}],)");
    CHECK(
        hosts_file(spec, "10.0.0.5", "hello", "") ==
        "# Kubernetes-managed hosts file.\n"
        "127.0.0.1\tlocalhost\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\n"
        "fe00::0\tip6-localnet\n"
        "fe00::0\tip6-mcastprefix\n"
        "fe00::1\tip6-allnodes\n"
        "fe00::2\tip6-allrouters\n"
        "10.0.0.5\thello\n"
        "\n# Entries added by HostAliases.\n"
        "192.0.2.9\tdb\tdb.lan\n"
    );
    CHECK(
        hosts_file(pod("", R"("hostNetwork":true,)"), "", "machine", "127.0.0.1 me\n") ==
        "# Kubernetes-managed hosts file (host network).\n127.0.0.1 me\n"
    );
}

TEST_CASE("network_files: without cluster resolvers a pod asks those of the machine", "[volumes]") {
    const auto dns = dns_config(pod(""), kResolvConf, {});
    CHECK(dns.servers == std::vector<std::string>{"192.0.2.53"});
    CHECK(dns.searches == std::vector<std::string>{"lan"});
    CHECK(dns.options == std::vector<std::string>{"ndots:1", "edns0"});
}

TEST_CASE("network_files: with cluster resolvers ClusterFirst means them", "[volumes]") {
    const auto dns = dns_config(pod(""), kResolvConf, {"10.96.0.10"});
    CHECK(dns.servers == std::vector<std::string>{"10.96.0.10"});
    CHECK(dns.searches.front() == "default.svc.cluster.local");
    CHECK(dns.searches.back() == "lan");
    CHECK(dns.options == std::vector<std::string>{"ndots:5"});
    const auto host = dns_config(pod("", R"("hostNetwork":true,)"), kResolvConf, {"10.96.0.10"});
    CHECK(host.servers == std::vector<std::string>{"192.0.2.53"});
}

TEST_CASE(
    "network_files: dnsConfig adds to the policy, or is all there is with None", "[volumes]"
) {
    const std::string config = R"("dnsConfig":{"nameservers":["192.0.2.1"],"searches":["lan","x"],
        "options":[{"name":"ndots","value":"2"},{"name":"rotate"}]},)";
    const auto added = dns_config(pod("", config), kResolvConf, {});
    CHECK(added.servers == std::vector<std::string>{"192.0.2.53", "192.0.2.1"});
    CHECK(added.searches == std::vector<std::string>{"lan", "x"});
    CHECK(added.options == std::vector<std::string>{"edns0", "ndots:2", "rotate"});
    const auto only = dns_config(pod("", config + R"("dnsPolicy":"None",)"), kResolvConf, {});
    CHECK(only.servers == std::vector<std::string>{"192.0.2.1"});
    CHECK(only.options == std::vector<std::string>{"ndots:2", "rotate"});
}

}  // namespace farhold::volumes::test
