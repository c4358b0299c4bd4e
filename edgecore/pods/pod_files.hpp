// SPDX-License-Identifier: Apache-2.0
//
// What a pod needs done on the file system, as functions for the thread for file work. Blocking.
#pragma once

#include "common/base/error.hpp"
#include "edgecore/pods/container_config.hpp"
#include "edgecore/podspec/environment.hpp"
#include "edgecore/podspec/pod_spec.hpp"
#include "edgecore/podspec/references.hpp"
#include "edgecore/volumes/pod_directory.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace farhold::pods {

struct SandboxFiles {
    podspec::DnsConfig dns;
    std::string hostname;
};
SandboxFiles read_sandbox_files(const podspec::PodSpec& pod, const MachineSettings& machine);

struct ContainerFiles {
    podspec::Environment environment;
    std::vector<volumes::BindMount> mounts;
};
// Resolves the environment and makes what the container mounts.
Result<ContainerFiles> make_container_files(
    const podspec::PodSpec& pod, const podspec::ContainerSpec& container, std::uint32_t attempt,
    const podspec::References& references, const podspec::MachineFacts& facts,
    const MachineSettings& machine
);

Result<void> prepare_volumes(
    const podspec::PodSpec& pod, const podspec::References& references,
    const podspec::MachineFacts& facts, const MachineSettings& machine
);

// What a container left as its last words.
std::string termination_message(
    const podspec::PodSpec& pod, const std::string& container, std::uint32_t attempt,
    std::int32_t exit_code, const MachineSettings& machine
);

// The pod's folder, its logs and its control groups.
Result<void> remove_pod_files(const podspec::PodIdentity& pod, const MachineSettings& machine);

// Those that hold the control groups of pods, once no pod is left.
void remove_machine_control_groups(const MachineSettings& machine);

}  // namespace farhold::pods
