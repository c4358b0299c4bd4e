// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/kinds.hpp"
#include "common/object/metadata.hpp"
#include "common/object/names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string>

namespace farhold::kubeschema {
namespace {

using json::Value;

void validate_taint(
    const Value& taint, const std::string& field, std::set<std::string>& seen, FieldErrors& errors
) {
    const std::string_view key = taint.text_at({"key"});
    const std::string_view effect = taint.text_at({"effect"});
    if (const auto complaint = object::check_qualified_name(key)) {
        errors.push_back(invalid(field + ".key", key, *complaint));
    }
    const std::string_view value = taint.text_at({"value"});
    if (const auto complaint = object::check_label_value(value)) {
        errors.push_back(invalid(field + ".value", value, *complaint));
    }
    if (effect.empty()) {
        errors.push_back(required(field + ".effect"));
    } else if (effect != "NoSchedule" && effect != "PreferNoSchedule" && effect != "NoExecute") {
        errors.push_back(
            unsupported(field + ".effect", effect, {"NoSchedule", "PreferNoSchedule", "NoExecute"})
        );
    }
    if (!seen.insert(fmt::format("{}:{}", key, effect)).second) {
        FieldError error = duplicate(field, "");
        error.message = fmt::format(
            "Duplicate value: {}: taints must be unique by key and effect pair", taint.dump()
        );
        errors.push_back(std::move(error));
    }
}

// podCIDR is the first of podCIDRs; clients of either form see both, and podCIDR wins. What is there
// may all be used unless the machine says otherwise.
void default_node(Value& node) {
    if (Value* spec = node.find("spec")) {
        const std::string first(spec->text_at({"podCIDR"}));
        const Value* list = spec->find("podCIDRs");
        const bool listed = list != nullptr && !list->array().empty();
        if (first.empty() && listed) {
            spec->set("podCIDR", list->array().front());
        } else if (!first.empty() && (!listed || list->array().front().string() != first)) {
            spec->set("podCIDRs", Value::make_array({Value::of(first)}));
        }
    }
    const Value* capacity = node.at_path({"status", "capacity"});
    if (capacity != nullptr && node.at_path({"status", "allocatable"}) == nullptr) {
        Value same = *capacity;
        node.ensure_path({"status"}).set("allocatable", std::move(same));
    }
}

void validate_cidrs(const Value& node, FieldErrors& errors) {
    const auto& cidrs = list_at(node, {"spec", "podCIDRs"});
    const std::size_t before = errors.size();
    for (std::size_t i = 0; i < cidrs.size(); ++i) {
        const std::string_view text = cidrs[i].string().value_or("");
        if (const auto complaint = object::check_cidr(text)) {
            errors.push_back(invalid(fmt::format("spec.podCIDRs[{}]", i), text, *complaint));
        }
    }
    const auto v6 = std::ranges::count_if(cidrs, [](const Value& cidr) {
        return cidr.string().value_or("").contains(':');
    });
    const auto total = static_cast<std::ptrdiff_t>(cidrs.size());
    if (errors.size() == before && (v6 > 1 || total - v6 > 1)) {
        errors.push_back(invalid(
            "spec.podCIDRs", *node.at_path({"spec", "podCIDRs"}),
            "may specify no more than one CIDR for each IP family"
        ));
    }
}

void validate_amounts(const Value& node, FieldErrors& errors) {
    for (const std::string_view list : {"capacity", "allocatable"}) {
        const Value* amounts = node.at_path({"status", list});
        if (amounts == nullptr) {
            continue;
        }
        for (const json::Member& amount : amounts->object()) {
            if (amount.value.string().value_or("").starts_with('-')) {
                errors.push_back(invalid(
                    fmt::format("status.{}.{}", list, amount.key), amount.value,
                    "must be greater than or equal to 0"
                ));
            }
        }
    }
}

void validate_node(const Value& object, FieldErrors& errors) {
    validate_cidrs(object, errors);
    validate_amounts(object, errors);
    std::set<std::string> seen;
    const auto& taints = list_at(object, {"spec", "taints"});
    for (std::size_t i = 0; i < taints.size(); ++i) {
        validate_taint(taints[i], fmt::format("metadata.taints[{}]", i), seen, errors);
    }
}

// Assigned once, by whoever provides the machine or its addresses.
void validate_node_update(
    const Value& updated, const Value& current, Part part, FieldErrors& errors
) {
    if (part == Part::status) {
        validate_amounts(updated, errors);
    }
    const std::string_view before = current.text_at({"spec", "providerID"});
    const std::string_view after = updated.text_at({"spec", "providerID"});
    if (!before.empty() && after != before) {
        errors.push_back(invalid(
            "spec.providerID", Value(),
            after.empty() ? "field cannot be cleared once set" : "field cannot be modified once set"
        ));
    }
    const auto& cidrs = list_at(current, {"spec", "podCIDRs"});
    if (!cidrs.empty() && list_at(updated, {"spec", "podCIDRs"}) != cidrs) {
        errors.push_back(forbidden(
            "spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid"
        ));
    }
}

std::string node_status(const Value& node) {
    const Value* ready = object::find_condition(node, "Ready");
    std::string status = "Unknown";
    if (ready != nullptr) {
        status = ready->text_at({"status"}) == "True" ? "Ready" : "NotReady";
    }
    return node.bool_at({"spec", "unschedulable"}) ? status + ",SchedulingDisabled" : status;
}

std::string node_roles(const Value& node) {
    constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
    std::set<std::string> roles;
    if (const Value* labels = object::labels(node)) {
        for (const json::Member& label : labels->object()) {
            const std::string_view value = label.value.string().value_or("");
            if (label.key.starts_with(kPrefix) && label.key.size() > kPrefix.size()) {
                roles.insert(label.key.substr(kPrefix.size()));
            } else if (label.key == "kubernetes.io/role" && !value.empty()) {
                roles.emplace(value);
            }
        }
    }
    return roles.empty() ? "<none>" : fmt::format("{}", fmt::join(roles, ","));
}

Value address_cell(const Value& node, std::string_view type) {
    const auto& addresses = list_at(node, {"status", "addresses"});
    const auto found = std::ranges::find_if(addresses, [&](const Value& address) {
        return address.text_at({"type"}) == type;
    });
    return found != addresses.end() ? text_cell(*found, {"address"}, "<none>")
                                    : Value::of("<none>");
}

Value kernel_cell(const Value& node) {
    const std::string_view kernel = node.text_at({"status", "nodeInfo", "kernelVersion"});
    const std::string_view architecture = node.text_at({"status", "nodeInfo", "architecture"});
    if (kernel.empty()) {
        return Value::of("<unknown>");
    }
    return Value::of(
        architecture.empty() ? std::string(kernel) : fmt::format("{} ({})", kernel, architecture)
    );
}

Cells node_cells(const Value& node, WallTime now) {
    return {
        text_cell(node, {"metadata", "name"}),
        Value::of(node_status(node)),
        Value::of(node_roles(node)),
        age_cell(node, now),
        text_cell(node, {"status", "nodeInfo", "kubeletVersion"}),
        address_cell(node, "InternalIP"),
        address_cell(node, "ExternalIP"),
        text_cell(node, {"status", "nodeInfo", "osImage"}, "<unknown>"),
        kernel_cell(node),
        text_cell(node, {"status", "nodeInfo", "containerRuntimeVersion"}, "<unknown>"),
    };
}

}  // namespace

ResourceType make_node_type() {
    ResourceType type = make_type("Node", "nodes", "node");
    type.short_names = {"no"};
    type.namespaced = false;
    type.subresources = {
        {.name = "proxy",
         .kind = "NodeProxyOptions",
         .verbs = {"create", "delete", "get", "patch", "update"}},
        status_subresource(),
    };
    type.status_at_creation = true;
    type.selectable_fields = {"spec.unschedulable"};
    type.columns = {
        name_column(),
        column("Status", "The status of the node"),
        column("Roles", "The roles of the node"),
        age_column(),
        column("Version", "Version of the node's agent, as a Kubernetes version."),
        wide_column("Internal-IP", "Address inside of the cluster."),
        wide_column("External-IP", "Address outside of the cluster."),
        wide_column("OS-Image", "Operating system that the node reports."),
        wide_column("Kernel-Version", "Kernel version that the node reports."),
        wide_column("Container-Runtime", "Container runtime and its version."),
    };
    type.cells = node_cells;
    type.apply_defaults = default_node;
    type.validate = validate_node;
    type.validate_update = validate_node_update;
    return type;
}

}  // namespace farhold::kubeschema
