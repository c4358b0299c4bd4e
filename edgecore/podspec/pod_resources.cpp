// SPDX-License-Identifier: Apache-2.0
#include "edgecore/podspec/pod_resources.hpp"

#include "common/object/quantity.hpp"
#include "edgecore/podspec/pod_parsing.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace farhold::podspec {

namespace {

constexpr std::int64_t kSharesPerCore = 1024;
constexpr std::int64_t kSharesLeast = 2;
constexpr std::int64_t kQuotaLeastUs = 1000;  // The kernel refuses less.
constexpr std::int64_t kOomGuaranteed = -997;
constexpr std::int64_t kOomBestEffort = 1000;

// More than any machine has, and few enough to be summed and multiplied: ten billion cores in
// thousandths, a petabyte.
constexpr std::int64_t kMilliMax = 10'000'000'000'000;
constexpr std::int64_t kBytesMax = 1'000'000'000'000'000;

using Amount = std::optional<std::int64_t>;

Result<void> read_amount(
    const json::Value& list, std::string_view resource, bool milli, Amount& amount
) {
    const json::Value* found = list.find(resource);
    if (found == nullptr) {
        return {};
    }
    const std::string text(
        found->is_number() ? found->number_text() : std::string(found->string().value_or(""))
    );
    const auto quantity = object::Quantity::parse(text);
    if (!quantity) {
        return fail(quantity.error().within(resource));
    }
    amount = milli ? std::clamp<std::int64_t>(quantity->milli_value(), 0, kMilliMax)
                   : std::clamp<std::int64_t>(quantity->value(), 0, kBytesMax);
    return {};
}

// What a pod is charged for: its containers together, or one init container if that is more.
void charge(Amount& total, const PodSpec& spec, Amount Resources::* member, bool is_limit) {
    std::int64_t sum = 0;
    bool all = true;
    bool any = false;
    for (const ContainerSpec& container : spec.containers) {
        const Amount& amount = container.resources.*member;
        sum = std::min(sum + amount.value_or(0), kBytesMax);
        any |= amount.has_value();
        all &= amount.has_value();
    }
    for (const ContainerSpec& container : spec.init_containers) {
        const Amount& amount = container.resources.*member;
        sum = std::max(sum, amount.value_or(0));
        any |= amount.has_value();
        all &= amount.has_value();
    }
    // One container without a limit leaves the pod without one.
    if (is_limit ? all : any) {
        total = sum;
    }
}

}  // namespace

Result<Resources> parse_resources(const json::Value& container, Unsupported& unsupported) {
    Resources resources;
    const json::Value* both = container.find("resources");
    if (both == nullptr) {
        return resources;
    }
    static const json::Value empty = json::Value::make_object();
    const json::Value* requests = both->find("requests");
    const json::Value* limits = both->find("limits");
    requests = requests != nullptr ? requests : &empty;
    limits = limits != nullptr ? limits : &empty;

    const struct {
        const json::Value& list;
        std::string_view resource;
        Amount& amount;
    } wanted[] = {
        {*requests, "cpu", resources.cpu_request_milli},
        {*limits, "cpu", resources.cpu_limit_milli},
        {*requests, "memory", resources.memory_request_bytes},
        {*limits, "memory", resources.memory_limit_bytes},
        {*requests, "ephemeral-storage", resources.storage_request_bytes},
        {*limits, "ephemeral-storage", resources.storage_limit_bytes},
    };
    for (const auto& entry : wanted) {
        if (auto read =
                read_amount(entry.list, entry.resource, entry.resource == "cpu", entry.amount);
            !read) {
            return fail(read.error());
        }
    }
    if (limits->is_object()) {
        for (const auto& [name, value] : limits->object()) {
            if (name != "cpu" && name != "memory" && name != "ephemeral-storage") {
                unsupported.push_back(fmt::format(
                    "container \"{}\" asks for the resource {}", text_of(container, "name"), name
                ));
            }
        }
    }
    // The API server defaults a missing request to the limit; a local one is treated alike.
    if (!resources.cpu_request_milli) {
        resources.cpu_request_milli = resources.cpu_limit_milli;
    }
    if (!resources.memory_request_bytes) {
        resources.memory_request_bytes = resources.memory_limit_bytes;
    }
    return resources;
}

Resources total_resources(const PodSpec& spec) {
    Resources total;
    charge(total.cpu_request_milli, spec, &Resources::cpu_request_milli, false);
    charge(total.cpu_limit_milli, spec, &Resources::cpu_limit_milli, true);
    charge(total.memory_request_bytes, spec, &Resources::memory_request_bytes, false);
    charge(total.memory_limit_bytes, spec, &Resources::memory_limit_bytes, true);
    charge(total.storage_request_bytes, spec, &Resources::storage_request_bytes, false);
    charge(total.storage_limit_bytes, spec, &Resources::storage_limit_bytes, true);
    return total;
}

QosClass qos_of(const PodSpec& spec) {
    bool guaranteed = true;
    bool best_effort = true;
    const auto look = [&](const ContainerSpec& container) {
        const Resources& own = container.resources;
        const auto set = [](const Amount& amount) { return amount.value_or(0) > 0; };
        best_effort &= !set(own.cpu_request_milli) && !set(own.cpu_limit_milli) &&
                       !set(own.memory_request_bytes) && !set(own.memory_limit_bytes);
        guaranteed &= set(own.cpu_limit_milli) && set(own.memory_limit_bytes) &&
                      own.cpu_request_milli == own.cpu_limit_milli &&
                      own.memory_request_bytes == own.memory_limit_bytes;
    };
    std::ranges::for_each(spec.containers, look);
    std::ranges::for_each(spec.init_containers, look);
    if (best_effort) {
        return QosClass::best_effort;
    }
    return guaranteed ? QosClass::guaranteed : QosClass::burstable;
}

std::string_view to_string(QosClass qos) {
    switch (qos) {
        case QosClass::guaranteed:
            return "Guaranteed";
        case QosClass::burstable:
            return "Burstable";
        case QosClass::best_effort:
            return "BestEffort";
    }
    return "";
}

CgroupValues cgroup_values(
    const PodSpec& pod, const ContainerSpec& container, std::int64_t machine_memory_bytes
) {
    const Resources& own = container.resources;
    CgroupValues values;
    values.cpu_shares = std::clamp(
        own.cpu_request_milli.value_or(0) * kSharesPerCore / 1000, kSharesLeast,
        std::int64_t{262'144}
    );
    if (own.cpu_limit_milli.value_or(0) > 0) {
        values.cpu_quota_us =
            std::max(*own.cpu_limit_milli * values.cpu_period_us / 1000, kQuotaLeastUs);
    }
    values.memory_limit = own.memory_limit_bytes.value_or(0);
    switch (pod.qos) {
        case QosClass::guaranteed:
            values.oom_score_adj = kOomGuaranteed;
            break;
        case QosClass::best_effort:
            values.oom_score_adj = kOomBestEffort;
            break;
        case QosClass::burstable: {
            // The more of the machine was asked for, the later it is killed.
            const double share =
                static_cast<double>(own.memory_request_bytes.value_or(0)) /
                static_cast<double>(std::max<std::int64_t>(machine_memory_bytes, 1));
            const auto score = 1000 - static_cast<std::int64_t>(1000.0 * share);
            values.oom_score_adj = std::clamp(score, 1000 + kOomGuaranteed, kOomBestEffort - 1);
            break;
        }
    }
    return values;
}

std::string cgroup_parent(const PodSpec& pod, std::string_view node_parent) {
    const std::string_view qos = pod.qos == QosClass::guaranteed  ? ""
                                 : pod.qos == QosClass::burstable ? "/burstable"
                                                                  : "/besteffort";
    return fmt::format("{}{}/pod{}", node_parent, qos, pod.identity.uid);
}

}  // namespace farhold::podspec
