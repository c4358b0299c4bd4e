// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/node_usage.hpp"

#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <map>
#include <tuple>

namespace farhold::nodeapi {

namespace {

using json::Value;

constexpr std::uint64_t kNanosecondsASecond = 1'000'000'000;

// The numbers after a word at the beginning of a line.
std::vector<std::uint64_t> numbers_after(std::string_view text, std::string_view word) {
    std::vector<std::uint64_t> numbers;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (!line.starts_with(word)) continue;
        line.remove_prefix(word.size());
        while (!line.empty()) {
            std::uint64_t number = 0;
            const auto [end, error] =
                std::from_chars(line.data(), line.data() + line.size(), number);
            if (error == std::errc()) {
                numbers.push_back(number);
                line.remove_prefix(static_cast<std::size_t>(end - line.data()));
            } else {
                line.remove_prefix(1);
            }
        }
        break;
    }
    return numbers;
}

std::int64_t milliseconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

double seconds(std::uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / static_cast<double>(kNanosecondsASecond);
}

Value number(std::uint64_t value) {
    return Value::of(static_cast<std::int64_t>(value));
}

Value cpu_stats(WallTime time, std::uint64_t nanoseconds) {
    return Value::make_object({
        {"time", Value::of(object::format_time(time))},
        {"usageCoreNanoSeconds", number(nanoseconds)},
    });
}

Value memory_stats(WallTime time, std::uint64_t bytes) {
    return Value::make_object({
        {"time", Value::of(object::format_time(time))},
        {"workingSetBytes", number(bytes)},
    });
}

std::string labels(const UsedContainer& used) {
    const runtime::Container& container = used.container;
    return fmt::format(
        R"({{container="{}",namespace="{}",pod="{}"}})", container.name, container.pod.ns,
        container.pod.name
    );
}

}  // namespace

std::optional<MachineUsage> read_machine_usage(
    std::string_view stat, std::string_view meminfo, std::uint64_t ticks, WallTime now
) {
    // user nice system idle iowait irq softirq steal; guest times are within user's.
    constexpr std::size_t kFields = 8;
    constexpr std::size_t kIdle = 3;
    constexpr std::size_t kWaiting = 4;
    constexpr std::uint64_t kKibibyte = 1024;
    const auto cpu = numbers_after(stat, "cpu ");
    const auto total = numbers_after(meminfo, "MemTotal:");
    const auto available = numbers_after(meminfo, "MemAvailable:");
    if (cpu.size() < kFields || total.empty() || available.empty() || ticks == 0) {
        return std::nullopt;
    }
    std::uint64_t busy = 0;
    for (std::size_t i = 0; i < kFields; ++i) {
        if (i != kIdle && i != kWaiting) busy += cpu[i];
    }
    return MachineUsage{
        .measured_at = now,
        .cpu_nanoseconds = busy * (kNanosecondsASecond / ticks),
        .working_set_bytes = (total[0] - std::min(available[0], total[0])) * kKibibyte,
        .available_bytes = available[0] * kKibibyte,
    };
}

std::vector<UsedContainer> join_usage(
    const runtime::RuntimeState& state, const std::vector<runtime::ContainerUsage>& usage
) {
    std::map<std::string_view, const runtime::Container*> known;
    for (const runtime::Container& container : state.containers) {
        known.emplace(container.id, &container);
    }
    std::vector<UsedContainer> joined;
    for (const runtime::ContainerUsage& each : usage) {
        const auto found = known.find(each.container_id);
        const bool runs =
            found != known.end() && found->second->state == runtime::ContainerState::running;
        // Of one that has just started there is nothing to tell yet.
        if (runs && each.cpu_nanoseconds && each.working_set_bytes) {
            joined.push_back({*found->second, each});
        }
    }
    return joined;
}

std::string resource_metrics(
    const MachineUsage& machine, const std::vector<UsedContainer>& containers
) {
    std::string text;
    const auto out = std::back_inserter(text);
    const auto begin = [&](std::string_view name, std::string_view type, std::string_view help) {
        fmt::format_to(out, "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
    };
    const std::int64_t now = milliseconds(machine.measured_at);
    begin("node_cpu_usage_seconds_total", "counter", "CPU time of the node since boot.");
    fmt::format_to(
        out, "node_cpu_usage_seconds_total {} {}\n", seconds(machine.cpu_nanoseconds), now
    );
    begin("node_memory_working_set_bytes", "gauge", "Memory in use.");
    fmt::format_to(out, "node_memory_working_set_bytes {} {}\n", machine.working_set_bytes, now);
    begin("container_cpu_usage_seconds_total", "counter", "CPU time since the container's start.");
    for (const UsedContainer& used : containers) {
        fmt::format_to(
            out, "container_cpu_usage_seconds_total{} {} {}\n", labels(used),
            seconds(*used.usage.cpu_nanoseconds), milliseconds(used.usage.measured_at)
        );
    }
    begin("container_memory_working_set_bytes", "gauge", "Memory in use.");
    for (const UsedContainer& used : containers) {
        fmt::format_to(
            out, "container_memory_working_set_bytes{} {} {}\n", labels(used),
            *used.usage.working_set_bytes, milliseconds(used.usage.measured_at)
        );
    }
    begin("container_start_time_seconds", "gauge", "When the container was made, since 1970.");
    for (const UsedContainer& used : containers) {
        fmt::format_to(
            out, "container_start_time_seconds{} {} {}\n", labels(used),
            static_cast<double>(milliseconds(used.container.created_at)) / 1000.0,
            milliseconds(used.usage.measured_at)
        );
    }
    begin("resource_scrape_error", "gauge", "1 if it could not be measured.");
    text += "resource_scrape_error 0\n";
    return text;
}

json::Value stats_summary(
    std::string_view node, const MachineUsage& machine, const std::vector<UsedContainer>& containers
) {
    struct Pod {
        Value containers = Value::make_array();
        std::uint64_t cpu = 0;
        std::uint64_t memory = 0;
        WallTime time;
        WallTime began;
    };
    std::map<std::tuple<std::string, std::string, std::string>, Pod> pods;
    for (const UsedContainer& used : containers) {
        const runtime::PodRef& ref = used.container.pod;
        Pod& pod = pods[{ref.ns, ref.name, ref.uid}];
        const WallTime time = used.usage.measured_at;
        const bool first = pod.containers.empty();
        pod.began =
            first ? used.container.created_at : std::min(pod.began, used.container.created_at);
        pod.time = std::max(pod.time, time);
        pod.cpu += *used.usage.cpu_nanoseconds;
        pod.memory += *used.usage.working_set_bytes;
        pod.containers.push_back(Value::make_object({
            {"name", Value::of(used.container.name)},
            {"startTime", Value::of(object::format_time(used.container.created_at))},
            {"cpu", cpu_stats(time, *used.usage.cpu_nanoseconds)},
            {"memory", memory_stats(time, *used.usage.working_set_bytes)},
        }));
    }
    Value list = Value::make_array();
    for (auto& [key, pod] : pods) {
        const auto& [ns, name, uid] = key;
        list.push_back(Value::make_object({
            {"podRef", Value::make_object({
                           {"name", Value::of(name)},
                           {"namespace", Value::of(ns)},
                           {"uid", Value::of(uid)},
                       })},
            {"startTime", Value::of(object::format_time(pod.began))},
            {"containers", std::move(pod.containers)},
            {"cpu", cpu_stats(pod.time, pod.cpu)},
            {"memory", memory_stats(pod.time, pod.memory)},
        }));
    }
    Value memory = memory_stats(machine.measured_at, machine.working_set_bytes);
    memory.set("availableBytes", number(machine.available_bytes));
    return Value::make_object({
        {"node", Value::make_object({
                     {"nodeName", Value::of(node)},
                     {"cpu", cpu_stats(machine.measured_at, machine.cpu_nanoseconds)},
                     {"memory", std::move(memory)},
                 })},
        {"pods", std::move(list)},
    });
}

}  // namespace farhold::nodeapi
