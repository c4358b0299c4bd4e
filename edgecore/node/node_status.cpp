// SPDX-License-Identifier: Apache-2.0
#include "edgecore/node/node_status.hpp"

#include "common/object/quantity.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::node {

namespace {

using json::Value;

Value kibibytes(std::int64_t bytes) {
    return Value::of(fmt::format("{}Ki", bytes / 1024));
}

Value resources(std::int64_t cpus, std::int64_t memory, std::int64_t disk) {
    Value all = Value::make_object();
    all.set("cpu", Value::of(std::to_string(cpus)));
    all.set("ephemeral-storage", kibibytes(disk));
    all.set("memory", kibibytes(memory));
    all.set("pods", Value::of(std::to_string(kPodsMax)));
    return all;
}

Value address(std::string_view type, const std::string& text) {
    Value one = Value::make_object();
    one.set("type", Value::of(type));
    one.set("address", Value::of(text));
    return one;
}

Value addresses(const MachineFacts& machine) {
    Value all = Value::make_array();
    for (const std::string& text : machine.addresses) all.push_back(address("InternalIP", text));
    all.push_back(address("Hostname", machine.hostname));
    return all;
}

Value node_info(
    const MachineFacts& machine, const RuntimeFacts& runtime, const std::string& version
) {
    Value info = Value::make_object();
    info.set("machineID", Value::of(machine.machine_id));
    info.set("systemUUID", Value::of(machine.system_uuid));
    info.set("bootID", Value::of(machine.boot_id));
    info.set("kernelVersion", Value::of(machine.kernel_version));
    info.set("osImage", Value::of(machine.os_image));
    info.set("containerRuntimeVersion", Value::of(runtime.name + "://" + runtime.version));
    info.set("kubeletVersion", Value::of(version));
    info.set("kubeProxyVersion", Value::of(""));
    info.set("operatingSystem", Value::of("linux"));
    info.set("architecture", Value::of(machine.architecture));
    return info;
}

Value image_list(const std::vector<ImageFacts>& images) {
    std::vector<ImageFacts> sorted = images;
    // By name where sizes are equal, so that the same images always make the same list.
    std::ranges::sort(sorted, [](const ImageFacts& one, const ImageFacts& other) {
        return one.bytes != other.bytes ? one.bytes > other.bytes : one.names < other.names;
    });
    if (sorted.size() > kImagesMax) sorted.resize(kImagesMax);
    Value all = Value::make_array();
    for (const ImageFacts& image : sorted) {
        Value one = Value::make_object();
        Value names = Value::make_array();
        for (const std::string& name : image.names) names.push_back(Value::of(name));
        one.set("names", std::move(names));
        one.set("sizeBytes", Value::of(image.bytes));
        all.push_back(std::move(one));
    }
    return all;
}

bool short_of(std::int64_t available, std::int64_t total, std::int64_t percent) {
    return total > 0 && available < total / 100 * percent;
}

std::string not_ready_message(const RuntimeFacts& runtime) {
    if (!runtime.message.empty()) return runtime.message;
    return runtime.reachable ? "container runtime is not ready" : "container runtime is down";
}

// Times that change although nothing happened.
Value without_heartbeats(Value status) {
    if (Value* conditions = status.find("conditions"); conditions != nullptr) {
        for (Value& one : conditions->array()) one.erase("lastHeartbeatTime");
    }
    return status;
}

}  // namespace

Value NodeStatus::conditions(const std::vector<Condition>& all, WallTime now) {
    Value list = Value::make_array();
    for (const Condition& condition : all) {
        auto [since, is_new] = since_.try_emplace(condition.type);
        if (is_new || since->second.status != condition.status) {
            since->second = {.status = condition.status, .time = now};
        }
        Value one = Value::make_object();
        one.set("type", Value::of(condition.type));
        one.set("status", Value::of(condition.status ? "True" : "False"));
        one.set("lastHeartbeatTime", Value::of(object::format_time(now)));
        one.set("lastTransitionTime", Value::of(object::format_time(since->second.time)));
        one.set("reason", Value::of(condition.reason));
        one.set("message", Value::of(condition.message));
        list.push_back(std::move(one));
    }
    return list;
}

Value NodeStatus::make(
    const MachineFacts& machine, const RuntimeFacts& runtime, const StoreFacts& store,
    const std::vector<ImageFacts>& images, WallTime now
) {
    const auto pressure = [](std::string type, bool under, const char* bad, const char* good,
                             const std::string& bad_text, const char* good_text) {
        return Condition{std::move(type), under, under ? bad : good, under ? bad_text : good_text};
    };
    const bool disk =
        store.full ||
        short_of(machine.disk_available_bytes, machine.disk_bytes, kDiskReservePercent) ||
        short_of(machine.inodes_available, machine.inodes, kInodesReservePercent);
    const bool ready = runtime.ready && runtime.network_ready;
    const std::vector<Condition> all = {
        pressure(
            "MemoryPressure", machine.memory_available_bytes < kMemoryReserveBytes,
            "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory",
            "kubelet has insufficient memory available", "kubelet has sufficient memory available"
        ),
        pressure(
            "DiskPressure", disk, "KubeletHasDiskPressure", "KubeletHasNoDiskPressure",
            store.full ? store.message : "kubelet has disk pressure", "kubelet has no disk pressure"
        ),
        pressure(
            "PIDPressure", short_of(machine.pids_max - machine.pids_used, machine.pids_max, 10),
            "KubeletHasInsufficientPID", "KubeletHasSufficientPID",
            "kubelet has insufficient PID available", "kubelet has sufficient PID available"
        ),
        pressure(
            "StoreProblem", store.failing, "StoreNotWritable", "StoreIsWritable", store.message,
            "the machine's store can be written"
        ),
        Condition{
            "Ready", ready, ready ? "KubeletReady" : "KubeletNotReady",
            ready ? "kubelet is posting ready status" : not_ready_message(runtime)
        },
    };
    Value status = Value::make_object();
    status.set("capacity", resources(machine.cpus, machine.memory_bytes, machine.disk_bytes));
    status.set(
        "allocatable", resources(
                           machine.cpus, machine.memory_bytes - kMemoryReserveBytes,
                           machine.disk_bytes / 100 * (100 - kDiskReservePercent)
                       )
    );
    status.set("conditions", conditions(all, now));
    status.set("addresses", addresses(machine));
    status.set("nodeInfo", node_info(machine, runtime, version_));
    status.set("images", image_list(images));
    return status;
}

bool differs(const Value& one, const Value& other) {
    return !(without_heartbeats(one) == without_heartbeats(other));
}

}  // namespace farhold::node
