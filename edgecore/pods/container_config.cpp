// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/container_config.hpp"

#include "edgecore/podspec/pod_resources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::pods {

namespace {

using podspec::ContainerSpec;
using podspec::PodSpec;

runtime::Protocol protocol_of(const std::string& text) {
    if (text == "UDP") {
        return runtime::Protocol::udp;
    }
    return text == "SCTP" ? runtime::Protocol::sctp : runtime::Protocol::tcp;
}

std::optional<runtime::SeccompProfile> seccomp_of(
    const std::optional<podspec::SeccompProfile>& profile, const MachineSettings& machine
) {
    using From = podspec::SeccompProfile::Type;
    using To = runtime::SeccompProfile::Type;
    if (!profile) {
        return std::nullopt;
    }
    switch (profile->type) {
        case From::runtime_default:
            return runtime::SeccompProfile{.type = To::runtime_default, .localhost_path = ""};
        case From::localhost:
            return runtime::SeccompProfile{
                .type = To::localhost,
                .localhost_path = machine.seccomp_root + "/" + profile->localhost_path,
            };
        case From::unconfined:
            break;
    }
    return runtime::SeccompProfile{.type = To::unconfined, .localhost_path = ""};
}

runtime::MountPropagation propagation_of(podspec::Propagation propagation) {
    switch (propagation) {
        case podspec::Propagation::none:
            return runtime::MountPropagation::none;
        case podspec::Propagation::host_to_container:
            return runtime::MountPropagation::host_to_container;
        case podspec::Propagation::bidirectional:
            return runtime::MountPropagation::bidirectional;
    }
    return runtime::MountPropagation::none;
}

std::vector<std::int64_t> groups_of(const PodSpec& pod) {
    std::vector<std::int64_t> groups = pod.supplemental_groups;
    if (pod.fs_group) {
        groups.push_back(*pod.fs_group);
    }
    return groups;
}

bool is_privileged(const PodSpec& pod) {
    const auto privileged = [](const ContainerSpec& container) {
        return container.security.privileged;
    };
    return std::ranges::any_of(pod.containers, privileged) ||
           std::ranges::any_of(pod.init_containers, privileged);
}

// Kubelet's check and words.
Result<void> check_non_root(
    const podspec::SecurityContext& security, const runtime::ImageInfo& image
) {
    if (!security.run_as_non_root) {
        return {};
    }
    if (security.run_as_user) {
        return *security.run_as_user != 0
                   ? Result<void>()
                   : fail(
                         ErrorCode::invalid_argument, "container's runAsUser breaks non-root policy"
                     );
    }
    if (image.uid && *image.uid != 0) {
        return {};
    }
    if (!image.uid && !image.username.empty()) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format(
                "container has runAsNonRoot and image has non-numeric user ({}), cannot verify "
                "user is non-root",
                image.username
            )
        );
    }
    return fail(
        ErrorCode::invalid_argument, "container has runAsNonRoot and image will run as root"
    );
}

runtime::ContainerSecurity security_of(
    const PodSpec& pod, const ContainerSpec& container, const runtime::ImageInfo& image,
    const MachineSettings& machine
) {
    const podspec::SecurityContext& wanted = container.security;
    runtime::ContainerSecurity security;
    security.run_as_user = wanted.run_as_user ? wanted.run_as_user : image.uid;
    if (!security.run_as_user) {
        security.run_as_username = image.username;
    }
    security.run_as_group = wanted.run_as_group;
    security.supplemental_groups = groups_of(pod);
    security.privileged = wanted.privileged;
    security.read_only_root = wanted.read_only_root;
    security.no_new_privileges = !wanted.allow_privilege_escalation.value_or(true);
    security.unmasked_proc = wanted.unmasked_proc;
    security.add_capabilities = wanted.add_capabilities;
    security.drop_capabilities = wanted.drop_capabilities;
    security.seccomp = wanted.privileged ? std::nullopt : seccomp_of(wanted.seccomp, machine);
    return security;
}

}  // namespace

std::string log_directory(const MachineSettings& machine, const podspec::PodIdentity& pod) {
    return fmt::format("{}/{}_{}_{}", machine.log_root, pod.ns, pod.name, pod.uid);
}

runtime::SandboxConfig sandbox_config(
    const PodSpec& pod, std::uint32_t attempt, const MachineSettings& machine,
    const podspec::DnsConfig& dns, std::string hostname
) {
    runtime::SandboxConfig config;
    config.pod = {.ns = pod.identity.ns, .name = pod.identity.name, .uid = pod.identity.uid};
    config.attempt = attempt;
    // With host networking the machine's name holds, and CRI refuses another one.
    config.hostname = pod.host_network ? std::string() : std::move(hostname);
    config.log_directory = log_directory(machine, pod.identity);
    config.dns = runtime::DnsConfig{
        .servers = dns.servers, .searches = dns.searches, .options = dns.options
    };
    if (!pod.host_network) {
        for (const ContainerSpec& container : pod.containers) {
            for (const podspec::Port& port : container.ports) {
                if (port.host_port > 0) {
                    config.port_mappings.push_back({
                        .protocol = protocol_of(port.protocol),
                        .container_port = port.container_port,
                        .host_port = port.host_port,
                        .host_ip = port.host_ip,
                    });
                }
            }
        }
    }
    config.labels = pod.labels;
    config.annotations = pod.annotations;
    config.cgroup_parent = podspec::cgroup_parent(pod, machine.cgroup_parent);
    config.namespaces = {
        .host_network = pod.host_network,
        .host_pid = pod.host_pid,
        .host_ipc = pod.host_ipc,
        .share_processes = pod.share_processes,
    };
    config.sysctls = pod.sysctls;
    config.supplemental_groups = groups_of(pod);
    config.privileged = is_privileged(pod);
    config.seccomp = seccomp_of(pod.seccomp, machine);
    return config;
}

Result<runtime::ContainerConfig> container_config(
    const PodSpec& pod, const ContainerSpec& container, const ContainerInputs& inputs,
    const MachineSettings& machine
) {
    if (auto kept = check_non_root(container.security, inputs.image); !kept) {
        return fail(kept.error());
    }
    runtime::ContainerConfig config;
    config.name = container.name;
    config.attempt = inputs.attempt;
    config.image = inputs.image.id;
    config.image_name = container.image;
    config.spec_hash = container.hash;
    auto command = podspec::expand_all(container.command, inputs.environment);
    auto args = podspec::expand_all(container.args, inputs.environment);
    if (!command || !args) {
        return fail(command ? args.error().within("args") : command.error().within("command"));
    }
    config.command = std::move(*command);
    config.args = std::move(*args);
    config.working_dir = container.working_dir;
    for (const auto& [name, value] : inputs.environment) {
        config.env.push_back({.name = name, .value = value});
    }
    for (const volumes::BindMount& mount : inputs.mounts) {
        config.mounts.push_back({
            .container_path = mount.container_path,
            .host_path = mount.host_path,
            .read_only = mount.read_only,
            .propagation = propagation_of(mount.propagation),
        });
    }
    config.log_path = fmt::format("{}/{}.log", container.name, inputs.attempt);
    config.stdin_open = container.stdin_open;
    config.stdin_once = container.stdin_once;
    config.tty = container.tty;
    const podspec::CgroupValues values =
        podspec::cgroup_values(pod, container, machine.memory_bytes);
    config.resources = {
        .cpu_period = values.cpu_quota_us > 0 ? values.cpu_period_us : 0,
        .cpu_quota = values.cpu_quota_us,
        .cpu_shares = values.cpu_shares,
        .memory_limit_bytes = values.memory_limit,
        .oom_score_adj = values.oom_score_adj,
    };
    config.security = security_of(pod, container, inputs.image, machine);
    return config;
}

}  // namespace farhold::pods
