// SPDX-License-Identifier: Apache-2.0
//
// Pure: what stands in a pod's /etc/hosts and /etc/resolv.conf, as kubelet writes them.
#pragma once

#include "edgecore/podspec/pod_spec.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace farhold::volumes {

// The hostname inside the pod: its own, else its name cut to what a hostname may be; the machine's
// with host networking.
std::string pod_hostname(const podspec::PodSpec& pod, std::string_view machine_hostname);

// `machine_hosts` is the content of the machine's own file, used with host networking.
std::string hosts_file(
    const podspec::PodSpec& pod, std::string_view pod_ip, std::string_view hostname,
    std::string_view machine_hosts
);

// `machine_resolv_conf` is the machine's file; `cluster_servers` are usually none at the edge, and
// then ClusterFirst means the machine's own resolvers, as in kubelet.
podspec::DnsConfig dns_config(
    const podspec::PodSpec& pod, std::string_view machine_resolv_conf,
    const std::vector<std::string>& cluster_servers
);

}  // namespace farhold::volumes
