// SPDX-License-Identifier: Apache-2.0
//
// Pure: from a pod's spec to what the container runtime is told.
#pragma once

#include "common/base/error.hpp"
#include "edgecore/podspec/environment.hpp"
#include "edgecore/podspec/pod_spec.hpp"
#include "edgecore/runtime/container_runtime.hpp"
#include "edgecore/volumes/pod_directory.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace farhold::pods {

// What stays the same for all pods of this machine.
struct MachineSettings {
    std::string node_name;
    std::string hostname;
    std::string pods_root;     // DATA_DIR/pods
    std::string seccomp_root;  // DATA_DIR/seccomp: profiles of type Localhost.
    std::string log_root = "/var/log/pods";
    std::string cgroup_parent;  // Of all pods of this node: "/farhold-3f2a91c0".
    std::vector<std::string> cluster_dns;
    std::int64_t memory_bytes = 0;
};

// "/var/log/pods/<namespace>_<name>_<uid>"
std::string log_directory(const MachineSettings& machine, const podspec::PodIdentity& pod);

runtime::SandboxConfig sandbox_config(
    const podspec::PodSpec& pod, std::uint32_t attempt, const MachineSettings& machine,
    const podspec::DnsConfig& dns, std::string hostname
);

struct ContainerInputs {
    std::uint32_t attempt = 0;
    const runtime::ImageInfo& image;
    const podspec::Environment& environment;
    const std::vector<volumes::BindMount>& mounts;
};

// An error is one of configuration: runAsNonRoot cannot be kept.
Result<runtime::ContainerConfig> container_config(
    const podspec::PodSpec& pod, const podspec::ContainerSpec& container,
    const ContainerInputs& inputs, const MachineSettings& machine
);

}  // namespace farhold::pods
