// SPDX-License-Identifier: Apache-2.0
#include "edgecore/runtime/cri_messages.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string_view>

namespace farhold::runtime {

namespace {

// Kubelet's names (k8s.io/kubelet/pkg/types), which tools such as crictl and log collectors read.
constexpr auto kPodName = "io.kubernetes.pod.name";
constexpr auto kPodNamespace = "io.kubernetes.pod.namespace";
constexpr auto kPodUid = "io.kubernetes.pod.uid";
constexpr auto kContainerName = "io.kubernetes.container.name";
constexpr auto kContainerHash = "io.kubernetes.container.hash";
constexpr auto kRestartCount = "io.kubernetes.container.restartCount";

// What Kubernetes hides from a container without procMount: Unmasked. containerd hides only what it
// is told to.
constexpr std::array kMaskedPaths{
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
};
constexpr std::array kReadOnlyPaths{
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

template <class Map>
void add_pod_labels(Map& labels, const PodRef& pod, const std::string& store) {
    labels[kPodName] = pod.name;
    labels[kPodNamespace] = pod.ns;
    labels[kPodUid] = pod.uid;
    labels[kStoreLabel] = store;
}

template <class Map>
std::string text_in(const Map& map, const char* key) {
    const auto found = map.find(key);
    return found == map.end() ? std::string() : found->second;
}

template <class Map>
StringMap to_map(const Map& map) {
    return StringMap(map.begin(), map.end());
}

template <class Map>
PodRef pod_of(const Map& labels) {
    return {text_in(labels, kPodNamespace), text_in(labels, kPodName), text_in(labels, kPodUid)};
}

template <class Repeated, class Range>
void add_all(Repeated* repeated, const Range& values) {
    for (const auto& value : values) {
        *repeated->Add() = value;
    }
}

WallTime to_time(std::int64_t nanoseconds) {
    return WallTime(std::chrono::nanoseconds(nanoseconds));
}

std::optional<WallTime> to_optional_time(std::int64_t nanoseconds) {
    if (nanoseconds <= 0) {
        return std::nullopt;
    }
    return to_time(nanoseconds);
}

std::uint32_t to_count(std::string_view text) {
    std::uint32_t count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
}

void fill(cri::NamespaceOption& message, const Namespaces& namespaces) {
    message.set_network(namespaces.host_network ? cri::NODE : cri::POD);
    message.set_ipc(namespaces.host_ipc ? cri::NODE : cri::POD);
    if (namespaces.host_pid) {
        message.set_pid(cri::NODE);
    } else {
        message.set_pid(namespaces.share_processes ? cri::POD : cri::CONTAINER);
    }
}

void fill(cri::LinuxContainerResources& message, const LinuxResources& resources) {
    message.set_cpu_period(resources.cpu_period);
    message.set_cpu_quota(resources.cpu_quota);
    message.set_cpu_shares(resources.cpu_shares);
    message.set_memory_limit_in_bytes(resources.memory_limit_bytes);
    message.set_oom_score_adj(resources.oom_score_adj);
    message.set_cpuset_cpus(resources.cpuset_cpus);
    message.set_cpuset_mems(resources.cpuset_mems);
}

void fill(cri::SecurityProfile& message, const SeccompProfile& profile) {
    switch (profile.type) {
        case SeccompProfile::Type::runtime_default:
            message.set_profile_type(cri::SecurityProfile::RuntimeDefault);
            break;
        case SeccompProfile::Type::unconfined:
            message.set_profile_type(cri::SecurityProfile::Unconfined);
            break;
        case SeccompProfile::Type::localhost:
            message.set_profile_type(cri::SecurityProfile::Localhost);
            message.set_localhost_ref(profile.localhost_path);
            break;
    }
}

cri::Protocol to_message(Protocol protocol) {
    switch (protocol) {
        case Protocol::tcp:
            return cri::TCP;
        case Protocol::udp:
            return cri::UDP;
        case Protocol::sctp:
            return cri::SCTP;
    }
    return cri::TCP;
}

cri::MountPropagation to_message(MountPropagation propagation) {
    switch (propagation) {
        case MountPropagation::none:
            return cri::PROPAGATION_PRIVATE;
        case MountPropagation::host_to_container:
            return cri::PROPAGATION_HOST_TO_CONTAINER;
        case MountPropagation::bidirectional:
            return cri::PROPAGATION_BIDIRECTIONAL;
    }
    return cri::PROPAGATION_PRIVATE;
}

ContainerState to_state(cri::ContainerState state) {
    switch (state) {
        case cri::CONTAINER_CREATED:
            return ContainerState::created;
        case cri::CONTAINER_RUNNING:
            return ContainerState::running;
        case cri::CONTAINER_EXITED:
            return ContainerState::exited;
        default:
            return ContainerState::unknown;
    }
}

void fill(cri::LinuxContainerSecurityContext& message, const ContainerSecurity& security) {
    if (security.run_as_user) {
        message.mutable_run_as_user()->set_value(*security.run_as_user);
    } else {
        message.set_run_as_username(security.run_as_username);
    }
    if (security.run_as_group) {
        message.mutable_run_as_group()->set_value(*security.run_as_group);
    }
    add_all(message.mutable_supplemental_groups(), security.supplemental_groups);
    message.set_privileged(security.privileged);
    message.set_readonly_rootfs(security.read_only_root);
    message.set_no_new_privs(security.no_new_privileges);
    auto& capabilities = *message.mutable_capabilities();
    add_all(capabilities.mutable_add_capabilities(), security.add_capabilities);
    add_all(capabilities.mutable_drop_capabilities(), security.drop_capabilities);
    if (!security.privileged && !security.unmasked_proc) {
        add_all(message.mutable_masked_paths(), kMaskedPaths);
        add_all(message.mutable_readonly_paths(), kReadOnlyPaths);
    }
    const SeccompProfile unconfined{.type = SeccompProfile::Type::unconfined};
    fill(*message.mutable_seccomp(), security.seccomp.value_or(unconfined));
}

// What a listing and a status have in common.
template <class Message>
Sandbox sandbox_in(const Message& message) {
    const auto& metadata = message.metadata();
    Sandbox sandbox;
    sandbox.id = message.id();
    sandbox.pod = {metadata.namespace_(), metadata.name(), metadata.uid()};
    sandbox.attempt = metadata.attempt();
    sandbox.state =
        message.state() == cri::SANDBOX_READY ? SandboxState::ready : SandboxState::not_ready;
    sandbox.created_at = to_time(message.created_at());
    sandbox.labels = to_map(message.labels());
    sandbox.annotations = to_map(message.annotations());
    return sandbox;
}

template <class Message>
Container container_in(const Message& message) {
    Container container;
    container.id = message.id();
    container.pod = pod_of(message.labels());
    container.name = message.metadata().name();
    container.attempt = message.metadata().attempt();
    container.state = to_state(message.state());
    container.created_at = to_time(message.created_at());
    container.image = message.image().image();
    container.image_ref = message.image_ref();
    container.spec_hash = text_in(message.annotations(), kContainerHash);
    container.restart_count = to_count(text_in(message.annotations(), kRestartCount));
    container.labels = to_map(message.labels());
    container.annotations = to_map(message.annotations());
    return container;
}

}  // namespace

void fill(cri::PodSandboxConfig& message, const SandboxConfig& config, const std::string& store) {
    auto& metadata = *message.mutable_metadata();
    metadata.set_name(config.pod.name);
    metadata.set_namespace_(config.pod.ns);
    metadata.set_uid(config.pod.uid);
    metadata.set_attempt(config.attempt);
    // A pod on the host's network has the host's name; containerd refuses another.
    if (!config.namespaces.host_network) {
        message.set_hostname(config.hostname);
    }
    message.set_log_directory(config.log_directory);
    if (config.dns) {
        auto& dns = *message.mutable_dns_config();
        add_all(dns.mutable_servers(), config.dns->servers);
        add_all(dns.mutable_searches(), config.dns->searches);
        add_all(dns.mutable_options(), config.dns->options);
    }
    for (const auto& mapping : config.port_mappings) {
        auto& port = *message.add_port_mappings();
        port.set_protocol(to_message(mapping.protocol));
        port.set_container_port(mapping.container_port);
        port.set_host_port(mapping.host_port);
        port.set_host_ip(mapping.host_ip);
    }
    auto& labels = *message.mutable_labels();
    labels.insert(config.labels.begin(), config.labels.end());
    add_pod_labels(labels, config.pod, store);
    message.mutable_annotations()->insert(config.annotations.begin(), config.annotations.end());

    auto& native = *message.mutable_linux();
    native.set_cgroup_parent(config.cgroup_parent);
    native.mutable_sysctls()->insert(config.sysctls.begin(), config.sysctls.end());
    fill(*native.mutable_resources(), config.resources);
    auto& security = *native.mutable_security_context();
    fill(*security.mutable_namespace_options(), config.namespaces);
    if (config.run_as_user) {
        security.mutable_run_as_user()->set_value(*config.run_as_user);
    }
    if (config.run_as_group) {
        security.mutable_run_as_group()->set_value(*config.run_as_group);
    }
    add_all(security.mutable_supplemental_groups(), config.supplemental_groups);
    security.set_privileged(config.privileged);
    fill(*security.mutable_seccomp(), config.seccomp.value_or(SeccompProfile{}));
}

void fill(
    cri::ContainerConfig& message, const ContainerConfig& config, const SandboxConfig& sandbox,
    const std::string& store
) {
    message.mutable_metadata()->set_name(config.name);
    message.mutable_metadata()->set_attempt(config.attempt);
    message.mutable_image()->set_image(config.image);
    message.mutable_image()->set_user_specified_image(config.image_name);
    add_all(message.mutable_command(), config.command);
    add_all(message.mutable_args(), config.args);
    message.set_working_dir(config.working_dir);
    for (const auto& variable : config.env) {
        auto& env = *message.add_envs();
        env.set_key(variable.name);
        env.set_value(variable.value);
    }
    for (const auto& wanted : config.mounts) {
        auto& mount = *message.add_mounts();
        mount.set_container_path(wanted.container_path);
        mount.set_host_path(wanted.host_path);
        mount.set_readonly(wanted.read_only);
        mount.set_propagation(to_message(wanted.propagation));
    }
    for (const auto& wanted : config.devices) {
        auto& device = *message.add_devices();
        device.set_container_path(wanted.container_path);
        device.set_host_path(wanted.host_path);
        device.set_permissions(wanted.permissions);
    }
    auto& labels = *message.mutable_labels();
    labels.insert(config.labels.begin(), config.labels.end());
    add_pod_labels(labels, sandbox.pod, store);
    labels[kContainerName] = config.name;
    auto& annotations = *message.mutable_annotations();
    annotations.insert(config.annotations.begin(), config.annotations.end());
    annotations[kContainerHash] = config.spec_hash;
    annotations[kRestartCount] = std::to_string(config.attempt);
    message.set_log_path(config.log_path);
    message.set_stdin(config.stdin_open);
    message.set_stdin_once(config.stdin_once);
    message.set_tty(config.tty);

    auto& native = *message.mutable_linux();
    fill(*native.mutable_resources(), config.resources);
    auto& security = *native.mutable_security_context();
    fill(security, config.security);
    fill(*security.mutable_namespace_options(), sandbox.namespaces);
}

Sandbox from_message(const cri::PodSandbox& message) {
    return sandbox_in(message);
}

SandboxStatus from_message(const cri::PodSandboxStatus& message) {
    SandboxStatus status;
    status.sandbox = sandbox_in(message);
    status.ip = message.network().ip();
    for (const auto& additional : message.network().additional_ips()) {
        status.additional_ips.push_back(additional.ip());
    }
    return status;
}

Container from_message(const cri::Container& message) {
    Container container = container_in(message);
    container.sandbox_id = message.pod_sandbox_id();
    return container;
}

ContainerStatus from_message(const cri::ContainerStatus& message) {
    ContainerStatus status;
    status.container = container_in(message);
    status.started_at = to_optional_time(message.started_at());
    status.finished_at = to_optional_time(message.finished_at());
    status.exit_code = message.exit_code();
    status.reason = message.reason();
    status.message = message.message();
    status.log_path = message.log_path();
    return status;
}

ContainerUsage from_message(const cri::ContainerStats& message) {
    ContainerUsage usage;
    usage.container_id = message.attributes().id();
    usage.measured_at = to_time(std::max(message.cpu().timestamp(), message.memory().timestamp()));
    if (message.cpu().has_usage_core_nano_seconds()) {
        usage.cpu_nanoseconds = message.cpu().usage_core_nano_seconds().value();
    }
    if (message.memory().has_working_set_bytes()) {
        usage.working_set_bytes = message.memory().working_set_bytes().value();
    }
    return usage;
}

ImageInfo from_message(const cri::Image& message) {
    ImageInfo image;
    image.id = message.id();
    image.tags.assign(message.repo_tags().begin(), message.repo_tags().end());
    image.digests.assign(message.repo_digests().begin(), message.repo_digests().end());
    image.bytes = message.size();
    if (message.has_uid()) {
        image.uid = message.uid().value();
    }
    image.username = message.username();
    return image;
}

}  // namespace farhold::runtime
