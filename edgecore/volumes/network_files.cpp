// SPDX-License-Identifier: Apache-2.0
#include "edgecore/volumes/network_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <sstream>

namespace farhold::volumes {

namespace {

using podspec::DnsConfig;
using podspec::DnsPolicy;

constexpr std::size_t kHostnameMax = 63;

DnsConfig parse_resolv_conf(std::string_view text) {
    DnsConfig result;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string keyword;
        words >> keyword;
        std::vector<std::string> values{
            std::istream_iterator<std::string>(words), std::istream_iterator<std::string>()
        };
        if (keyword == "nameserver" && !values.empty()) {
            result.servers.push_back(values.front());
        } else if (keyword == "search" || keyword == "domain") {
            result.searches = std::move(values);  // The last one counts.
        } else if (keyword == "options") {
            std::ranges::move(values, std::back_inserter(result.options));
        }
    }
    return result;
}

void add_missing(std::vector<std::string>& to, const std::vector<std::string>& more) {
    for (const std::string& entry : more) {
        if (std::ranges::find(to, entry) == to.end()) {
            to.push_back(entry);
        }
    }
}

// An option of the pod replaces the machine's of the same name.
void merge_options(std::vector<std::string>& to, const std::vector<std::string>& more) {
    const auto name = [](const std::string& option) { return option.substr(0, option.find(':')); };
    for (const std::string& option : more) {
        std::erase_if(to, [&](const std::string& old) { return name(old) == name(option); });
        to.push_back(option);
    }
}

std::string host_aliases(const podspec::PodSpec& pod) {
    if (pod.host_aliases.empty()) {
        return "";
    }
    std::string text = "\n# Entries added by HostAliases.\n";
    for (const auto& alias : pod.host_aliases) {
        text += alias.ip;
        for (const std::string& name : alias.hostnames) {
            text += "\t" + name;
        }
        text += "\n";
    }
    return text;
}

}  // namespace

std::string pod_hostname(const podspec::PodSpec& pod, std::string_view machine_hostname) {
    if (pod.host_network) {
        return std::string(machine_hostname);
    }
    std::string name = pod.hostname.empty() ? pod.identity.name : pod.hostname;
    if (name.size() > kHostnameMax) {
        name.resize(kHostnameMax);
        while (!name.empty() && (name.back() == '-' || name.back() == '.')) {
            name.pop_back();
        }
    }
    return name;
}

std::string hosts_file(
    const podspec::PodSpec& pod, std::string_view pod_ip, std::string_view hostname,
    std::string_view machine_hosts
) {
    if (pod.host_network) {
        return fmt::format(
            "# Kubernetes-managed hosts file (host network).\n{}{}", machine_hosts,
            host_aliases(pod)
        );
    }
    std::string text =
        "# Kubernetes-managed hosts file.\n"
        "127.0.0.1\tlocalhost\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\n"
        "fe00::0\tip6-localnet\n"
        "fe00::0\tip6-mcastprefix\n"
        "fe00::1\tip6-allnodes\n"
        "fe00::2\tip6-allrouters\n";
    if (!pod_ip.empty()) {
        text += fmt::format("{}\t{}\n", pod_ip, hostname);
    }
    return text + host_aliases(pod);
}

DnsConfig dns_config(
    const podspec::PodSpec& pod, std::string_view machine_resolv_conf,
    const std::vector<std::string>& cluster_servers
) {
    DnsConfig result;
    const bool wants_cluster = pod.dns_policy == DnsPolicy::cluster_first_with_host_net ||
                               (pod.dns_policy == DnsPolicy::cluster_first && !pod.host_network);
    if (pod.dns_policy != DnsPolicy::none) {
        result = parse_resolv_conf(machine_resolv_conf);
        if (wants_cluster && !cluster_servers.empty()) {
            result.servers = cluster_servers;
            std::vector<std::string> searches{
                pod.identity.ns + ".svc.cluster.local", "svc.cluster.local", "cluster.local"
            };
            add_missing(searches, result.searches);
            result.searches = std::move(searches);
            result.options = {"ndots:5"};
        }
    }
    add_missing(result.servers, pod.dns_config.servers);
    add_missing(result.searches, pod.dns_config.searches);
    merge_options(result.options, pod.dns_config.options);
    return result;
}

}  // namespace farhold::volumes
