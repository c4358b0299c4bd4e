// SPDX-License-Identifier: Apache-2.0
//
// Resources and probes of a container: the parts that are numbers.
#include "common/kubeschema/pod_rules.hpp"
#include "common/object/names.hpp"
#include "common/object/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace farhold::kubeschema {
namespace {

using json::Value;
using object::Quantity;

constexpr std::string_view kNotNegative = "must be greater than or equal to 0";

// Known to Kubernetes, though not of containers.
constexpr auto kOtherResources = std::to_array<std::string_view>({
    "configmaps",
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
    "requests.storage",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "storage",
});

void check_resource_name(std::string_view name, const std::string& field, FieldErrors& errors) {
    if (const auto complaint = object::check_qualified_name(name)) {
        errors.push_back(invalid(field, name, *complaint));
        return;
    }
    const bool standard = name == "cpu" || name == "memory" || name == "ephemeral-storage" ||
                          name.starts_with("hugepages-");
    // Extended resources have a domain: "vendor.example/gpu".
    if (standard || name.find('/') != std::string_view::npos) {
        return;
    }
    if (std::ranges::find(kOtherResources, name) == kOtherResources.end()) {
        errors.push_back(invalid(field, name, "must be a standard resource type or fully qualified")
        );
    }
    errors.push_back(invalid(field, name, "must be a standard resource for containers"));
}

void check_amounts(const Value& amounts, const std::string& field, FieldErrors& errors) {
    for (const json::Member& member : amounts.object()) {
        const std::string path = fmt::format("{}[{}]", field, member.key);
        check_resource_name(member.key, path, errors);
        const auto quantity = Quantity::parse(member.value.string().value_or(""));
        if (quantity && quantity->is_negative()) {
            errors.push_back(invalid(path, member.value, kNotNegative));
        }
    }
}

constexpr auto kHandlers =
    std::to_array<std::string_view>({"exec", "httpGet", "tcpSocket", "grpc", "sleep"});

void check_handler(const Value& probe, const std::string& field, FieldErrors& errors) {
    bool found = false;
    for (const std::string_view handler : kHandlers) {
        if (probe.find(handler) == nullptr) {
            continue;
        }
        if (found) {
            errors.push_back(forbidden(
                fmt::format("{}.{}", field, handler), "may not specify more than 1 handler type"
            ));
        }
        found = true;
    }
    if (!found) {
        errors.push_back(required(field, "must specify a handler type"));
    }
    if (const Value* exec = probe.find("exec");
        exec != nullptr && list_at(*exec, {"command"}).empty()) {
        errors.push_back(required(field + ".exec.command"));
    }
    for (const std::string_view handler : {"httpGet", "tcpSocket"}) {
        const Value* port = probe.at_path({handler, "port"});
        const std::string path = fmt::format("{}.{}.port", field, handler);
        if (probe.find(handler) != nullptr && port == nullptr) {
            errors.push_back(invalid(path, Value::of(0), "must be between 1 and 65535, inclusive"));
        } else if (port != nullptr && port->is_number() && !is_port(port->integer().value_or(0))) {
            errors.push_back(invalid(path, *port, "must be between 1 and 65535, inclusive"));
        } else if (port != nullptr && port->is_string()) {
            if (const auto complaint = object::check_port_name(port->as_string())) {
                errors.push_back(invalid(path, *port, *complaint));
            }
        }
    }
}

}  // namespace

void validate_lifecycle(
    const json::Value& container, const std::string& field, FieldErrors& errors
) {
    for (const std::string_view moment : {"postStart", "preStop"}) {
        if (const Value* handler = container.at_path({"lifecycle", moment})) {
            check_handler(*handler, fmt::format("{}.lifecycle.{}", field, moment), errors);
        }
    }
}

void validate_resources(
    const json::Value& container, const std::string& field, FieldErrors& errors
) {
    const Value* limits = container.at_path({"resources", "limits"});
    const Value* requests = container.at_path({"resources", "requests"});
    if (limits != nullptr) {
        check_amounts(*limits, field + ".resources.limits", errors);
    }
    if (requests == nullptr) {
        return;
    }
    check_amounts(*requests, field + ".resources.requests", errors);
    for (const json::Member& member : requests->object()) {
        const Value* limit = limits != nullptr ? limits->find(member.key) : nullptr;
        const auto wanted = Quantity::parse(member.value.string().value_or(""));
        const auto allowed = Quantity::parse(limit != nullptr ? limit->string().value_or("") : "");
        if (wanted && allowed && *wanted > *allowed) {
            errors.push_back(invalid(
                field + ".resources.requests", member.value,
                fmt::format(
                    "must be less than or equal to {} limit of {}", member.key, allowed->canonical()
                )
            ));
        }
    }
}

void validate_probe(
    const json::Value& container, std::string_view name, const std::string& field,
    FieldErrors& errors
) {
    const Value* probe = container.find(name);
    if (probe == nullptr) {
        return;
    }
    const std::string path = fmt::format("{}.{}", field, name);
    check_handler(*probe, path, errors);
    for (const std::string_view number :
         {"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold",
          "failureThreshold"}) {
        const std::int64_t value = probe->integer_at({number});
        if (value < 0) {
            errors.push_back(
                invalid(fmt::format("{}.{}", path, number), Value::of(value), kNotNegative)
            );
        }
    }
    const std::int64_t successes = probe->integer_at({"successThreshold"}, 1);
    if (name != "readinessProbe" && successes != 1) {
        errors.push_back(invalid(path + ".successThreshold", Value::of(successes), "must be 1"));
    }
}

}  // namespace farhold::kubeschema
