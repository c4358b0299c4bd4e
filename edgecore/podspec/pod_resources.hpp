// SPDX-License-Identifier: Apache-2.0
//
// Pure: from requests and limits to what the kernel is told, with kubelet's formulas.
#pragma once

#include "edgecore/podspec/pod_spec.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::podspec {

struct CgroupValues {
    std::int64_t cpu_shares = 2;
    std::int64_t cpu_period_us = 100'000;
    std::int64_t cpu_quota_us = 0;  // 0: no limit.
    std::int64_t memory_limit = 0;  // Bytes; 0: no limit.
    std::int64_t oom_score_adj = 1000;
};

CgroupValues cgroup_values(
    const PodSpec& pod, const ContainerSpec& container, std::int64_t machine_memory_bytes
);

// "/farhold-3f2a/burstable/pod<uid>" below the node's own parent.
std::string cgroup_parent(const PodSpec& pod, std::string_view node_parent);

}  // namespace farhold::podspec
