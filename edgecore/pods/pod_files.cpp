// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_files.hpp"

#include "edgecore/volumes/file_access.hpp"
#include "edgecore/volumes/network_files.hpp"
#include "edgecore/volumes/volume_plan.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace farhold::pods {

namespace {

constexpr std::size_t kSystemFileBytesMax = std::size_t{256} << 10U;

std::string read_system_file(const std::string& path) {
    // Often a link to where a resolver service keeps it.
    std::error_code error;
    const auto real = std::filesystem::canonical(path, error);
    if (error) {
        return "";
    }
    auto text = volumes::read_file(real.string(), kSystemFileBytesMax);
    return text && *text ? std::move(**text) : std::string();
}

// With cgroup v1 each controller has a tree of its own below the root; with v2 the root is the tree.
std::vector<std::string> control_group_trees() {
    std::error_code error;
    const std::filesystem::path root = "/sys/fs/cgroup";
    std::vector<std::string> trees{root.string()};
    for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
        if (entry.is_directory(error) && !entry.is_symlink(error)) {
            trees.push_back(entry.path().string());
        }
    }
    return trees;
}

constexpr const char* kQosFolders[] = {"/burstable", "/besteffort", ""};

// The runtime makes a pod's control group with its first container and leaves it behind. An rmdir of
// one that is in use fails, and nothing is lost.
void remove_control_groups(const std::string& uid, const MachineSettings& machine) {
    for (const std::string& tree : control_group_trees()) {
        for (const char* qos : kQosFolders) {
            const std::string path =
                fmt::format("{}{}{}/pod{}", tree, machine.cgroup_parent, qos, uid);
            ::rmdir(path.c_str());
        }
    }
}

}  // namespace

SandboxFiles read_sandbox_files(const podspec::PodSpec& pod, const MachineSettings& machine) {
    return {
        .dns = volumes::dns_config(pod, read_system_file("/etc/resolv.conf"), machine.cluster_dns),
        .hostname = volumes::pod_hostname(pod, machine.hostname),
    };
}

Result<ContainerFiles> make_container_files(
    const podspec::PodSpec& pod, const podspec::ContainerSpec& container, std::uint32_t attempt,
    const podspec::References& references, const podspec::MachineFacts& facts,
    const MachineSettings& machine
) {
    auto environment = podspec::resolve_environment(pod, container, references, facts);
    if (!environment) {
        return fail(environment.error());
    }
    const auto plan = volumes::plan_volumes(pod, references, facts);
    if (!plan) {
        return fail(plan.error());
    }
    const volumes::PodDirectory directory(machine.pods_root, pod.identity.uid);
    const std::string pod_ip = facts.pod_ips.empty() ? "" : facts.pod_ips.front();
    const std::string hosts = volumes::hosts_file(
        pod, pod_ip, volumes::pod_hostname(pod, machine.hostname),
        pod.host_network ? read_system_file("/etc/hosts") : ""
    );
    if (auto written = directory.write_hosts(hosts); !written) {
        return fail(written.error());
    }
    auto mounts = directory.container_mounts(*plan, container, attempt, *environment);
    if (!mounts) {
        return fail(mounts.error());
    }
    return ContainerFiles{.environment = std::move(*environment), .mounts = std::move(*mounts)};
}

Result<void> prepare_volumes(
    const podspec::PodSpec& pod, const podspec::References& references,
    const podspec::MachineFacts& facts, const MachineSettings& machine
) {
    const auto plan = volumes::plan_volumes(pod, references, facts);
    if (!plan) {
        return fail(plan.error());
    }
    return volumes::PodDirectory(machine.pods_root, pod.identity.uid).prepare(*plan);
}

std::string termination_message(
    const podspec::PodSpec& pod, const std::string& container, std::uint32_t attempt,
    std::int32_t exit_code, const MachineSettings& machine
) {
    const podspec::ContainerSpec* spec = pod.find_container(container);
    if (spec == nullptr) {
        return "";
    }
    const volumes::PodDirectory directory(machine.pods_root, pod.identity.uid);
    const auto message = directory.termination_message(container, attempt);
    if (!message) {
        return fmt::format("Error on reading termination log: {}", message.error().message());
    }
    if (!message->empty() || exit_code == 0 ||
        spec->message_policy != podspec::MessagePolicy::fallback_to_logs_on_error) {
        return *message;
    }
    return volumes::log_tail(
        fmt::format("{}/{}/{}.log", log_directory(machine, pod.identity), container, attempt)
    );
}

Result<void> remove_pod_files(const podspec::PodIdentity& pod, const MachineSettings& machine) {
    if (auto removed = volumes::PodDirectory(machine.pods_root, pod.uid).remove(); !removed) {
        return removed;
    }
    remove_control_groups(pod.uid, machine);
    return volumes::remove_tree(log_directory(machine, pod));
}

void remove_machine_control_groups(const MachineSettings& machine) {
    for (const std::string& tree : control_group_trees()) {
        for (const char* qos : kQosFolders) {
            ::rmdir((tree + machine.cgroup_parent + qos).c_str());
        }
    }
}

}  // namespace farhold::pods
