// SPDX-License-Identifier: Apache-2.0
//
// A Pod as the hub sends it, and (after a line break) a ConfigMap that it refers to, which is also
// its Secret: parsed, its environment resolved, its volumes worked out. What becomes part of a path
// on this machine stays below the folder that it belongs in.
#include "common/base/ensure.hpp"
#include "common/tunnel/content.hpp"
#include "edgecore/podspec/environment.hpp"
#include "edgecore/podspec/pod_resources.hpp"
#include "edgecore/podspec/pod_spec.hpp"
#include "edgecore/podspec/references.hpp"
#include "edgecore/volumes/network_files.hpp"
#include "edgecore/volumes/volume_plan.hpp"
#include "tests/support/fuzz_input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

using namespace farhold;
using namespace farhold::podspec;

namespace {

constexpr std::size_t kExpandedMax = std::size_t{12} << 20U;

bool stays_below(const std::string& path) {
    const auto whole = (std::filesystem::path("/volume") / path).lexically_normal().string();
    return whole.starts_with("/volume/") && !path.contains('\0');
}

References references_of(const PodSpec& pod, std::string_view content, bool complete) {
    References references{.config_maps = {}, .secrets = {}, .complete = complete};
    const ReferencedNames names = referenced_names(pod);
    if (const auto data = parse_keyed_data(content, false)) {
        const auto shared = std::make_shared<const KeyedData>(*data);
        for (const std::string& name : names.config_maps) {
            references.config_maps.emplace(name, shared);
        }
    }
    if (const auto data = parse_keyed_data(content, true)) {
        const auto shared = std::make_shared<const KeyedData>(*data);
        for (const std::string& name : names.secrets) {
            references.secrets.emplace(name, shared);
        }
    }
    return references;
}

void check_names(const PodSpec& pod) {
    for (const auto* list : {&pod.init_containers, &pod.containers}) {
        for (const ContainerSpec& container : *list) {
            ensure(stays_below(container.name), "a container's name is no path");
            ensure(pod.find_container(container.name) != nullptr, "and finds it");
            ensure(!container.hash.empty(), "a container has a hash");
            const CgroupValues values = cgroup_values(pod, container, std::int64_t{1} << 30U);
            ensure(values.cpu_shares >= 2 && values.cpu_period_us > 0, "what the kernel takes");
            ensure(values.cpu_quota_us >= 0 && values.memory_limit >= 0, "limits are amounts");
            ensure(values.oom_score_adj >= -1000 && values.oom_score_adj <= 1000, "a score");
        }
    }
    for (const Volume& volume : pod.volumes) {
        ensure(stays_below(volume.name), "a volume's name is no path");
    }
    ensure(stays_below(pod.identity.ns + "_" + pod.identity.name), "nor is the pod's");
    ensure(pod.grace >= std::chrono::seconds(0), "a grace is a time");
    (void)cgroup_parent(pod, "/farhold-1");
}

void check_environment(
    const PodSpec& pod, const References& references, const MachineFacts& facts
) {
    for (const ContainerSpec& container : pod.containers) {
        const auto environment = resolve_environment(pod, container, references, facts);
        if (!environment) {
            ensure(!environment.error().message().empty(), "a refusal says why");
            continue;
        }
        std::size_t bytes = 0;
        for (const auto& [name, value] : *environment) {
            bytes += name.size() + value.size();
        }
        ensure(bytes <= kExpandedMax, "an environment has a bound");
        (void)expand_all(container.args, *environment);
    }
}

void check_volumes(const PodSpec& pod, const References& references, const MachineFacts& facts) {
    const auto plan = volumes::plan_volumes(pod, references, facts);
    if (!plan) {
        ensure(!plan.error().message().empty(), "a refusal says why");
        return;
    }
    ensure(plan->volumes.size() == pod.volumes.size(), "every volume is planned");
    for (const volumes::PlannedVolume& volume : plan->volumes) {
        if (const auto* files = std::get_if<volumes::PlannedFiles>(&volume.content)) {
            for (const auto& [path, file] : files->files) {
                ensure(stays_below(path), "a file stays in its volume");
                ensure(file.mode <= 0777, "a mode of a file");
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    const auto object = json::Value::parse(in.line());
    const std::string_view content = in.rest();
    if (!object) {
        return 0;
    }
    const tunnel::Content sent = tunnel::make_content(*object);
    const auto delivered = json::Value::parse(sent.text);
    ensure(delivered.has_value(), "what is sent can be read");
    ensure(tunnel::make_content(*delivered).hash == sent.hash, "and has its hash");
    const auto pod = parse_pod(*delivered, "uid-1");
    if (!pod) {
        ensure(!pod.error().message().empty(), "a refusal says why");
        return 0;
    }
    check_names(*pod);
    const MachineFacts facts{
        .node_name = "edge-1",
        .host_ips = {"192.0.2.1"},
        .pod_ips = {"10.0.0.1"},
        .allocatable_cpu_milli = 2000,
        .allocatable_memory_bytes = std::int64_t{1} << 30U,
        .allocatable_storage_bytes = std::int64_t{1} << 33U,
    };
    for (const bool complete : {false, true}) {
        const References references = references_of(*pod, content, complete);
        check_environment(*pod, references, facts);
        check_volumes(*pod, references, facts);
    }
    const std::string hostname = volumes::pod_hostname(*pod, "machine");
    ensure(hostname.size() <= 64, "a hostname that the kernel takes");
    (void)volumes::hosts_file(*pod, "10.0.0.1", hostname, content);
    (void)volumes::dns_config(*pod, content, {});
    return 0;
}
