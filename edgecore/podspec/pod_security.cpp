// SPDX-License-Identifier: Apache-2.0
#include "edgecore/podspec/pod_parsing.hpp"

#include <fmt/format.h>

namespace farhold::podspec {

namespace {

// A container's own setting wins over the pod's.
const json::Value* setting(
    const json::Value& pod_spec, const json::Value& container, std::string_view key
) {
    if (const json::Value* own = container.at_path({"securityContext", key}); own != nullptr) {
        return own;
    }
    return pod_spec.at_path({"securityContext", key});
}

std::optional<std::int64_t> integer(const json::Value* value) {
    return value != nullptr ? value->integer() : std::nullopt;
}

bool truth(const json::Value* value) {
    return value != nullptr && value->boolean().value_or(false);
}

std::optional<SeccompProfile> parse_seccomp(const json::Value* profile) {
    if (profile == nullptr || !profile->is_object()) {
        return std::nullopt;
    }
    const std::string type = text_of(*profile, "type");
    SeccompProfile result;
    if (type == "RuntimeDefault") {
        result.type = SeccompProfile::Type::runtime_default;
    } else if (type == "Localhost") {
        result.type = SeccompProfile::Type::localhost;
        result.localhost_path = text_of(*profile, "localhostProfile");
    }
    return result;
}

}  // namespace

SecurityContext parse_security(
    const json::Value& pod_spec, const json::Value& container, Unsupported& unsupported
) {
    SecurityContext result;
    result.run_as_user = integer(setting(pod_spec, container, "runAsUser"));
    result.run_as_group = integer(setting(pod_spec, container, "runAsGroup"));
    result.run_as_non_root = truth(setting(pod_spec, container, "runAsNonRoot"));
    result.seccomp = parse_seccomp(setting(pod_spec, container, "seccompProfile"));
    const std::string name = text_of(container, "name");
    for (const std::string_view key : {"seLinuxOptions", "windowsOptions"}) {
        if (const json::Value* options = setting(pod_spec, container, key);
            options != nullptr && !options->empty()) {
            unsupported.push_back(fmt::format("container \"{}\" sets securityContext.{}", name, key)
            );
        }
    }
    if (const json::Value* armor = setting(pod_spec, container, "appArmorProfile");
        armor != nullptr && text_of(*armor, "type") == "Localhost") {
        unsupported.push_back(fmt::format("container \"{}\" sets a local AppArmor profile", name));
    }
    const json::Value* own = container.find("securityContext");
    if (own == nullptr) {
        return result;
    }
    result.privileged = own->bool_at({"privileged"});
    result.read_only_root = own->bool_at({"readOnlyRootFilesystem"});
    if (const json::Value* allow = own->find("allowPrivilegeEscalation"); allow != nullptr) {
        result.allow_privilege_escalation = allow->boolean();
    }
    result.unmasked_proc = own->text_at({"procMount"}) == "Unmasked";
    if (const json::Value* capabilities = own->find("capabilities"); capabilities != nullptr) {
        result.add_capabilities = texts_at(*capabilities, "add");
        result.drop_capabilities = texts_at(*capabilities, "drop");
    }
    return result;
}

void parse_pod_security(const json::Value& pod_spec, PodSpec& spec) {
    const json::Value* context = pod_spec.find("securityContext");
    if (context == nullptr) {
        return;
    }
    spec.fs_group = integer(context->find("fsGroup"));
    for (const json::Value& group : list_at(*context, "supplementalGroups")) {
        if (const auto id = group.integer()) {
            spec.supplemental_groups.push_back(*id);
        }
    }
    for (const json::Value& sysctl : list_at(*context, "sysctls")) {
        spec.sysctls.emplace(text_of(sysctl, "name"), text_of(sysctl, "value"));
    }
    spec.seccomp = parse_seccomp(context->find("seccompProfile"));
}

}  // namespace farhold::podspec
