// SPDX-License-Identifier: Apache-2.0
//
// Pure: what a container's environment, command line and downward files say, as kubelet resolves
// them: Services first, envFrom and then env over them, $(VAR) from what is defined so far.
#pragma once

#include "common/base/error.hpp"
#include "edgecore/podspec/pod_spec.hpp"
#include "edgecore/podspec/references.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::podspec {

// What the pod's own object does not say.
struct MachineFacts {
    std::string node_name;
    std::vector<std::string> host_ips;
    std::vector<std::string> pod_ips;
    std::int64_t allocatable_cpu_milli = 0;
    std::int64_t allocatable_memory_bytes = 0;
    std::int64_t allocatable_storage_bytes = 0;
};

using Environment = std::map<std::string, std::string, std::less<>>;

Result<std::string> resolve_field(
    const PodSpec& pod, const FieldRef& field, const MachineFacts& facts
);
// `own`: the container that asks, null in a volume.
Result<std::string> resolve_resource(
    const PodSpec& pod, const ContainerSpec* own, const ResourceFieldRef& reference,
    const MachineFacts& facts
);

Result<Environment> resolve_environment(
    const PodSpec& pod, const ContainerSpec& container, const References& references,
    const MachineFacts& facts
);

// The kernel takes no longer word, and no more of them; without a bound a few references that double
// each other would take all memory.
inline constexpr std::size_t kExpandedBytesMax = std::size_t{128} << 10U;
inline constexpr std::size_t kWordsBytesMax = std::size_t{8} << 20U;

// $(NAME) becomes its value, or stays when there is none; $$ is a dollar. invalid_argument when the
// result exceeds kExpandedBytesMax.
Result<std::string> expand(std::string_view text, const Environment& environment);

// A command or its arguments; together at most kWordsBytesMax.
Result<std::vector<std::string>> expand_all(
    const std::vector<std::string>& words, const Environment& environment
);

}  // namespace farhold::podspec
