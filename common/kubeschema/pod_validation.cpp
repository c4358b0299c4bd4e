// SPDX-License-Identifier: Apache-2.0
//
// The pod as a whole; after kubernetes/pkg/apis/core/validation, without the parts of features that
// nothing here implements.
#include "common/kubeschema/metadata_rules.hpp"
#include "common/kubeschema/pod_rules.hpp"
#include "common/object/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace farhold::kubeschema {
namespace {

using json::Value;

constexpr std::int64_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();

void check_subdomain(const Value& spec, std::string_view name, FieldErrors& errors) {
    const std::string_view text = spec.text_at({name});
    if (text.empty()) {
        return;
    }
    if (const auto complaint = object::check_dns1123_subdomain(text)) {
        errors.push_back(invalid(fmt::format("spec.{}", name), text, *complaint));
    }
}

void check_label(const Value& spec, std::string_view name, FieldErrors& errors) {
    const std::string_view text = spec.text_at({name});
    if (text.empty()) {
        return;
    }
    if (const auto complaint = object::check_dns1123_label(text)) {
        errors.push_back(invalid(fmt::format("spec.{}", name), text, *complaint));
    }
}

void validate_periods(const Value& spec, FieldErrors& errors) {
    const Value* deadline = spec.find("activeDeadlineSeconds");
    const std::int64_t seconds = deadline != nullptr ? deadline->integer().value_or(0) : 1;
    if (seconds < 1 || seconds > kMaxInt32) {
        errors.push_back(invalid(
            "spec.activeDeadlineSeconds", *deadline,
            fmt::format("must be between 1 and {}, inclusive", kMaxInt32)
        ));
    }
}

void validate_dns(const Value& spec, FieldErrors& errors) {
    check_choice(
        spec.text_at({"dnsPolicy"}), {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"},
        "spec.dnsPolicy", errors
    );
    if (spec.text_at({"dnsPolicy"}) != "None") {
        return;
    }
    if (spec.find("dnsConfig") == nullptr) {
        errors.push_back(
            required("spec.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None")
        );
    } else if (list_at(spec, {"dnsConfig", "nameservers"}).empty()) {
        errors.push_back(required(
            "spec.dnsConfig.nameservers",
            "must provide at least one DNS nameserver when `dnsPolicy` is None"
        ));
    }
}

void validate_pull_secrets(const Value& spec, FieldErrors& errors) {
    const auto& secrets = list_at(spec, {"imagePullSecrets"});
    for (std::size_t i = 0; i < secrets.size(); ++i) {
        if (secrets[i].text_at({"name"}).empty()) {
            errors.push_back(required(fmt::format("spec.imagePullSecrets[{}].name", i)));
        }
    }
}

void validate_host_aliases(const Value& spec, FieldErrors& errors) {
    const auto& aliases = list_at(spec, {"hostAliases"});
    for (std::size_t i = 0; i < aliases.size(); ++i) {
        const std::string_view ip = aliases[i].text_at({"ip"});
        if (const auto complaint = object::check_ip(ip)) {
            errors.push_back(invalid(fmt::format("spec.hostAliases[{}].ip", i), ip, *complaint));
        }
    }
}

}  // namespace

bool is_port(std::int64_t number) {
    constexpr std::int64_t kMaxPort = 65'535;
    return number >= 1 && number <= kMaxPort;
}

void check_choice(
    std::string_view value, std::initializer_list<std::string_view> supported, std::string field,
    FieldErrors& errors
) {
    if (!value.empty() && std::ranges::find(supported, value) == supported.end()) {
        errors.push_back(unsupported(std::move(field), value, supported));
    }
}

void validate_tolerations(const json::Value& pod, FieldErrors& errors) {
    const auto& tolerations = list_at(pod, {"spec", "tolerations"});
    for (std::size_t i = 0; i < tolerations.size(); ++i) {
        const Value& toleration = tolerations[i];
        const std::string field = fmt::format("spec.tolerations[{}]", i);
        const std::string_view key = toleration.text_at({"key"});
        const std::string_view effect = toleration.text_at({"effect"});
        const std::string_view operation = toleration.text_at({"operator"}, "Equal");
        const std::string_view value = toleration.text_at({"value"});
        if (!key.empty()) {
            if (const auto complaint = object::check_qualified_name(key)) {
                errors.push_back(invalid(field + ".key", key, *complaint));
            }
        } else if (operation != "Exists") {
            errors.push_back(invalid(
                field + ".operator", operation,
                "operator must be Exists when `key` is empty, which means \"match all values and "
                "all keys\""
            ));
        }
        if (toleration.find("tolerationSeconds") != nullptr && effect != "NoExecute") {
            errors.push_back(invalid(
                field + ".effect", effect,
                "effect must be 'NoExecute' when `tolerationSeconds` is set"
            ));
        }
        if (operation == "Exists" && !value.empty()) {
            errors.push_back(invalid(
                field + ".operator", value, "value must be empty when `operator` is 'Exists'"
            ));
        } else if (const auto complaint = object::check_label_value(value)) {
            errors.push_back(invalid(field + ".operator", value, *complaint));
        }
        check_choice(operation, {"Equal", "Exists"}, field + ".operator", errors);
        check_choice(
            effect, {"NoSchedule", "PreferNoSchedule", "NoExecute"}, field + ".effect", errors
        );
    }
}

void check_ids(
    const Value& context, std::initializer_list<std::string_view> names, const std::string& field,
    FieldErrors& errors
) {
    for (const std::string_view name : names) {
        const Value* id = context.find(name);
        const std::int64_t number = id != nullptr ? id->integer().value_or(0) : 0;
        if (number < 0 || number > kMaxInt32) {
            errors.push_back(invalid(
                fmt::format("{}.{}", field, name), *id,
                fmt::format("must be between 0 and {}, inclusive", kMaxInt32)
            ));
        }
    }
}

void validate_pod(const json::Value& pod, FieldErrors& errors) {
    static const Value kNoSpec = Value::make_object();
    const Value* given = pod.find("spec");
    const Value& spec = given != nullptr ? *given : kNoSpec;
    const auto volumes = validate_volumes(pod, errors);
    validate_containers(pod, volumes, errors);
    check_choice(
        spec.text_at({"restartPolicy"}), {"Always", "OnFailure", "Never"}, "spec.restartPolicy",
        errors
    );
    validate_dns(spec, errors);
    validate_periods(spec, errors);
    validate_labels(spec.find("nodeSelector"), "spec.nodeSelector", errors);
    validate_pull_secrets(spec, errors);
    validate_host_aliases(spec, errors);
    validate_tolerations(pod, errors);
    if (const Value* context = spec.find("securityContext")) {
        check_ids(*context, {"runAsUser", "runAsGroup", "fsGroup"}, "spec.securityContext", errors);
    }
    check_subdomain(spec, "serviceAccountName", errors);
    check_subdomain(spec, "nodeName", errors);
    check_subdomain(spec, "priorityClassName", errors);
    check_label(spec, "hostname", errors);
    check_label(spec, "subdomain", errors);
}

}  // namespace farhold::kubeschema
