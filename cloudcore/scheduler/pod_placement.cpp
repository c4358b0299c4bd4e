// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/scheduler/pod_placement.hpp"

#include "common/object/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace farhold::scheduler {

namespace {

// Of thousandths of a core or of bytes: more than any machine has, and few enough to be summed over
// all pods of a cluster.
constexpr std::int64_t kAmountMax = 100'000'000'000'000;

// A malformed quantity cannot be stored, so an unreadable one here counts as nothing asked.
std::int64_t amount(const json::Value* resources, std::string_view name, bool milli) {
    const json::Value* value = resources == nullptr ? nullptr : resources->find(name);
    if (value == nullptr || (!value->is_string() && !value->is_number())) return 0;
    const auto quantity =
        object::Quantity::parse(value->is_string() ? value->as_string() : value->number_text());
    if (!quantity) return 0;
    return std::clamp<std::int64_t>(
        milli ? quantity->milli_value() : quantity->value(), 0, kAmountMax
    );
}

Resources container_requests(const json::Value& container) {
    const json::Value* requests = container.at_path({"resources", "requests"});
    return {
        .milli_cpu = amount(requests, "cpu", true),
        .memory_bytes = amount(requests, "memory", false),
        .pods = 0
    };
}

bool tolerates(const json::Value& toleration, const json::Value& taint) {
    const auto key = toleration.text_at({"key"});
    const auto effect = toleration.text_at({"effect"});
    if (!effect.empty() && effect != taint.text_at({"effect"})) return false;
    if (!key.empty() && key != taint.text_at({"key"})) return false;
    if (toleration.text_at({"operator"}) == "Exists") return true;
    return !key.empty() && toleration.text_at({"value"}) == taint.text_at({"value"});
}

std::optional<std::string> untolerated_taint(const json::Value& pod, const json::Value& node) {
    const json::Array& tolerations = pod.elements_at({"spec", "tolerations"});
    for (const json::Value& taint : node.elements_at({"spec", "taints"})) {
        const auto effect = taint.text_at({"effect"});
        if (effect != "NoSchedule" && effect != "NoExecute") continue;
        const bool tolerated = std::ranges::any_of(tolerations, [&](const json::Value& one) {
            return tolerates(one, taint);
        });
        if (!tolerated) {
            return fmt::format(
                "had untolerated taint {{{}: {}}}", taint.text_at({"key"}), taint.text_at({"value"})
            );
        }
    }
    return std::nullopt;
}

std::optional<std::int64_t> as_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool expression_matches(const json::Value& expression, const json::Value* found) {
    const auto op = expression.text_at({"operator"});
    if (op == "Exists") return found != nullptr;
    if (op == "DoesNotExist") return found == nullptr;
    const json::Array& values = expression.elements_at({"values"});
    const bool listed = found != nullptr &&
                        std::ranges::any_of(values, [&](const auto& one) { return one == *found; });
    if (op == "In") return listed;
    if (op == "NotIn") return !listed;
    if (found == nullptr || !found->is_string() || values.size() != 1) return false;
    const auto have = as_integer(found->as_string());
    const auto bound = as_integer(values[0].string().value_or(""));
    if (!have || !bound) return false;
    return op == "Gt" ? *have > *bound : op == "Lt" && *have < *bound;
}

// Terms are alternatives, the expressions of one term all hold; an empty term matches nothing.
bool affinity_matches(const json::Value& pod, const std::string& name, const json::Value& node) {
    const json::Value* required = pod.at_path(
        {"spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"}
    );
    if (required == nullptr || required->find("nodeSelectorTerms") == nullptr) return true;
    const json::Value* labels = node.at_path({"metadata", "labels"});
    const json::Value node_name = json::Value::of(name);
    return std::ranges::any_of(
        required->elements_at({"nodeSelectorTerms"}),
        [&](const json::Value& term) {
            const json::Array& by_label = term.elements_at({"matchExpressions"});
            const json::Array& by_field = term.elements_at({"matchFields"});
            if (by_label.empty() && by_field.empty()) return false;
            return std::ranges::all_of(
                       by_label,
                       [&](const json::Value& expression) {
                           const auto key = expression.text_at({"key"});
                           return expression_matches(
                               expression, labels ? labels->find(key) : nullptr
                           );
                       }
                   ) &&
                   std::ranges::all_of(by_field, [&](const json::Value& expression) {
                       return expression.text_at({"key"}) == "metadata.name" &&
                              expression_matches(expression, &node_name);
                   });
        }
    );
}

bool selector_matches(const json::Value& pod, const json::Value& node) {
    const json::Value* selector = pod.at_path({"spec", "nodeSelector"});
    if (selector == nullptr || !selector->is_object()) return true;
    const json::Value* labels = node.at_path({"metadata", "labels"});
    return std::ranges::all_of(selector->object(), [&](const json::Member& wanted) {
        const json::Value* label = labels == nullptr ? nullptr : labels->find(wanted.key);
        return label != nullptr && *label == wanted.value;
    });
}

bool has_ended(const json::Value& pod) {
    const auto phase = pod.text_at({"status", "phase"});
    return phase == "Succeeded" || phase == "Failed";
}

}  // namespace

Resources& Resources::operator+=(const Resources& other) {
    milli_cpu += other.milli_cpu;
    memory_bytes += other.memory_bytes;
    pods += other.pods;
    return *this;
}

Resources requests_of(const json::Value& pod) {
    Resources sum;
    for (const json::Value& container : pod.elements_at({"spec", "containers"})) {
        sum += container_requests(container);
        sum.milli_cpu = std::min(sum.milli_cpu, kAmountMax);
        sum.memory_bytes = std::min(sum.memory_bytes, kAmountMax);
    }
    for (const json::Value& container : pod.elements_at({"spec", "initContainers"})) {
        const Resources one = container_requests(container);
        sum.milli_cpu = std::max(sum.milli_cpu, one.milli_cpu);
        sum.memory_bytes = std::max(sum.memory_bytes, one.memory_bytes);
    }
    sum.pods = 1;
    return sum;
}

bool wants_scheduling(const json::Value& pod) {
    const auto scheduler = pod.text_at({"spec", "schedulerName"});
    return pod.text_at({"spec", "nodeName"}).empty() &&
           pod.at_path({"metadata", "deletionTimestamp"}) == nullptr && !has_ended(pod) &&
           pod.elements_at({"spec", "schedulingGates"}).empty() &&
           (scheduler.empty() || scheduler == "default-scheduler");
}

void Cluster::put_node(const std::string& name, std::shared_ptr<const json::Value> node) {
    nodes_[name] = std::move(node);
}

void Cluster::remove_node(const std::string& name) {
    nodes_.erase(name);
}

void Cluster::put_pod(const std::string& uid, const json::Value& pod) {
    remove_pod(uid);
    std::string node(pod.text_at({"spec", "nodeName"}));
    if (node.empty() || has_ended(pod)) return;
    Bound bound{.node = std::move(node), .requests = requests_of(pod)};
    used_[bound.node] += bound.requests;
    pods_.emplace(uid, std::move(bound));
}

void Cluster::remove_pod(const std::string& uid) {
    const auto found = pods_.find(uid);
    if (found == pods_.end()) return;
    const Resources& was = found->second.requests;
    used_[found->second.node] += Resources{-was.milli_cpu, -was.memory_bytes, -was.pods};
    pods_.erase(found);
}

std::optional<std::string> Cluster::objection(
    const json::Value& pod, const Resources& wanted, const json::Value& node, const Resources& used
) const {
    const json::Value* unschedulable = node.at_path({"spec", "unschedulable"});
    if (unschedulable != nullptr && unschedulable->boolean().value_or(false)) {
        return "were unschedulable";
    }
    if (auto taint = untolerated_taint(pod, node)) return taint;
    if (!selector_matches(pod, node) ||
        !affinity_matches(pod, std::string(node.text_at({"metadata", "name"})), node)) {
        return "didn't match Pod's node affinity/selector";
    }
    const json::Value* allocatable = node.at_path({"status", "allocatable"});
    if (allocatable == nullptr) return "didn't report its resources yet";
    if (used.pods + 1 > amount(allocatable, "pods", false)) return "Too many pods";
    if (wanted.milli_cpu > 0 &&
        used.milli_cpu + wanted.milli_cpu > amount(allocatable, "cpu", true)) {
        return "Insufficient cpu";
    }
    if (wanted.memory_bytes > 0 &&
        used.memory_bytes + wanted.memory_bytes > amount(allocatable, "memory", false)) {
        return "Insufficient memory";
    }
    return std::nullopt;
}

Placement Cluster::place(const json::Value& pod) const {
    const Resources wanted = requests_of(pod);
    const std::string* best = nullptr;
    std::int64_t best_pods = 0;
    std::map<std::string, int> objections;
    for (const auto& [name, node] : nodes_) {
        const auto found = used_.find(name);
        const Resources used = found == used_.end() ? Resources{} : found->second;
        if (auto reason = objection(pod, wanted, *node, used)) {
            ++objections[*reason];
        } else if (best == nullptr || used.pods < best_pods) {
            best = &name;
            best_pods = used.pods;
        }
    }
    if (best != nullptr) return Chosen{*best};
    if (nodes_.empty()) return Unschedulable{"no nodes available to schedule pods"};
    std::string message = fmt::format("0/{} nodes are available: ", nodes_.size());
    bool first = true;
    for (const auto& [reason, count] : objections) {
        const bool counted_noun = reason.starts_with("Insufficient") || reason == "Too many pods";
        message += fmt::format(
            "{}{} {}{}", first ? "" : ", ", count, counted_noun ? "" : "node(s) ", reason
        );
        first = false;
    }
    return Unschedulable{message + "."};
}

}  // namespace farhold::scheduler
