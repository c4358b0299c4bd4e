// SPDX-License-Identifier: Apache-2.0
//
// Pure: what the machine and its containers use, in the two forms that monitoring reads from a kubelet.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"
#include "edgecore/runtime/container_runtime.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::nodeapi {

struct MachineUsage {
    WallTime measured_at;
    std::uint64_t cpu_nanoseconds = 0;    // Since boot, of all CPUs together.
    std::uint64_t working_set_bytes = 0;  // Memory that cannot be had by dropping caches.
    std::uint64_t available_bytes = 0;
};
// From the texts of /proc/stat and /proc/meminfo; `ticks` are the kernel's a second.
std::optional<MachineUsage> read_machine_usage(
    std::string_view stat, std::string_view meminfo, std::uint64_t ticks, WallTime now
);

// One that runs, with what it uses: both numbers are there.
struct UsedContainer {
    runtime::Container container;
    runtime::ContainerUsage usage;
};
std::vector<UsedContainer> join_usage(
    const runtime::RuntimeState& state, const std::vector<runtime::ContainerUsage>& usage
);

// Prometheus text as of kubelet's /metrics/resource.
std::string resource_metrics(
    const MachineUsage& machine, const std::vector<UsedContainer>& containers
);
// As of kubelet's /stats/summary, CPU and memory.
json::Value stats_summary(
    std::string_view node, const MachineUsage& machine, const std::vector<UsedContainer>& containers
);

}  // namespace farhold::nodeapi
