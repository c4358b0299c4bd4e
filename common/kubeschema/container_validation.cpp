// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/pod_rules.hpp"
#include "common/object/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace farhold::kubeschema {
namespace {

using json::Value;

constexpr std::string_view kPortRange = "must be between 1 and 65535, inclusive";

void check_image(const Value& container, const std::string& field, FieldErrors& errors) {
    const std::string_view image = container.text_at({"image"});
    constexpr std::string_view kSpace = " \t\r\n";
    if (image.empty()) {
        errors.push_back(required(field + ".image"));
    } else if (kSpace.find(image.front()) != std::string_view::npos ||
               kSpace.find(image.back()) != std::string_view::npos) {
        errors.push_back(
            invalid(field + ".image", image, "must not have leading or trailing whitespace")
        );
    }
}

void check_port(
    const Value& port, const std::string& field, bool host_network, FieldErrors& errors
) {
    const std::int64_t number = port.integer_at({"containerPort"});
    if (number == 0) {
        errors.push_back(required(field + ".containerPort"));
    } else if (!is_port(number)) {
        errors.push_back(invalid(field + ".containerPort", Value::of(number), kPortRange));
    }
    const std::int64_t host_port = port.integer_at({"hostPort"});
    if (host_port != 0 && !is_port(host_port)) {
        errors.push_back(invalid(field + ".hostPort", Value::of(host_port), kPortRange));
    } else if (host_network && host_port != 0 && host_port != number) {
        errors.push_back(invalid(
            field + ".hostPort", Value::of(host_port),
            "must match `containerPort` when `hostNetwork` is true"
        ));
    }
    check_choice(port.text_at({"protocol"}), {"SCTP", "TCP", "UDP"}, field + ".protocol", errors);
}

void check_ports(
    const Value& container, const std::string& field, bool host_network, FieldErrors& errors
) {
    std::set<std::string_view> names;
    const auto& ports = list_at(container, {"ports"});
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const std::string port = fmt::format("{}.ports[{}]", field, i);
        const std::string_view name = ports[i].text_at({"name"});
        if (!name.empty()) {
            if (const auto complaint = object::check_port_name(name)) {
                errors.push_back(invalid(port + ".name", name, *complaint));
            } else if (!names.insert(name).second) {
                errors.push_back(duplicate(port + ".name", name));
            }
        }
        check_port(ports[i], port, host_network, errors);
    }
}

void check_value_source(const Value& variable, const std::string& field, FieldErrors& errors) {
    const Value* source = variable.find("valueFrom");
    if (source == nullptr) {
        return;
    }
    if (source->empty()) {
        errors.push_back(invalid(
            field + ".valueFrom", "",
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
            "`secretKeyRef` or `fileKeyRef`"
        ));
    } else if (!variable.text_at({"value"}).empty()) {
        errors.push_back(
            invalid(field + ".valueFrom", "", "may not be specified when `value` is not empty")
        );
    } else if (source->size() > 1) {
        errors.push_back(invalid(
            field + ".valueFrom", "", "may not have more than one field specified at a time"
        ));
    }
    for (const std::string_view reference : {"configMapKeyRef", "secretKeyRef"}) {
        const Value* selector = source->find(reference);
        if (selector == nullptr) {
            continue;
        }
        const std::string path = fmt::format("{}.valueFrom.{}", field, reference);
        if (selector->text_at({"name"}).empty()) {
            errors.push_back(required(path + ".name"));
        }
        const std::string_view key = selector->text_at({"key"});
        if (key.empty()) {
            errors.push_back(required(path + ".key"));
        } else if (const auto complaint = object::check_config_key(key)) {
            errors.push_back(invalid(path + ".key", key, *complaint));
        }
    }
    if (const Value* reference = source->find("fieldRef")) {
        check_field_path(
            reference->text_at({"fieldPath"}),
            {"metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels",
             "metadata.annotations", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
             "status.hostIPs", "status.podIP", "status.podIPs"},
            field + ".valueFrom.fieldRef.fieldPath", errors
        );
    }
}

void check_environment(const Value& container, const std::string& field, FieldErrors& errors) {
    const auto& variables = list_at(container, {"env"});
    for (std::size_t i = 0; i < variables.size(); ++i) {
        const std::string variable = fmt::format("{}.env[{}]", field, i);
        const std::string_view name = variables[i].text_at({"name"});
        if (name.empty()) {
            errors.push_back(required(variable + ".name"));
        } else if (const auto complaint = object::check_env_name(name)) {
            errors.push_back(invalid(variable + ".name", name, *complaint));
        }
        check_value_source(variables[i], variable, errors);
    }
    const auto& sources = list_at(container, {"envFrom"});
    for (std::size_t i = 0; i < sources.size(); ++i) {
        const std::string source = fmt::format("{}.envFrom[{}]", field, i);
        const bool from_map = sources[i].find("configMapRef") != nullptr;
        const bool from_secret = sources[i].find("secretRef") != nullptr;
        if (!from_map && !from_secret) {
            errors.push_back(invalid(
                field + ".envFrom", "", "must specify one of: `configMapRef` or `secretRef`"
            ));
        } else if (from_map && from_secret) {
            errors.push_back(invalid(
                field + ".envFrom", "", "may not have more than one field specified at a time"
            ));
        }
        const std::string_view reference = from_map ? "configMapRef" : "secretRef";
        if (from_map != from_secret && sources[i].text_at({reference, "name"}).empty()) {
            errors.push_back(required(fmt::format("{}.{}.name", source, reference)));
        }
    }
}

void check_mounts(
    const Value& container, const std::string& field, const std::set<std::string>& volumes,
    FieldErrors& errors
) {
    std::set<std::string_view> paths;
    const auto& mounts = list_at(container, {"volumeMounts"});
    for (std::size_t i = 0; i < mounts.size(); ++i) {
        const std::string mount = fmt::format("{}.volumeMounts[{}]", field, i);
        const std::string name(mounts[i].text_at({"name"}));
        if (name.empty()) {
            errors.push_back(required(mount + ".name"));
        } else if (!volumes.contains(name)) {
            errors.push_back(not_found(mount + ".name", name));
        }
        const std::string_view path = mounts[i].text_at({"mountPath"});
        if (path.empty()) {
            errors.push_back(required(mount + ".mountPath"));
        } else if (!paths.insert(path).second) {
            errors.push_back(invalid(mount + ".mountPath", path, "must be unique"));
        }
        const std::string_view sub_path = mounts[i].text_at({"subPath"});
        // Upstream does not say of which mount.
        const std::string inner = field + ".volumeMounts.subPath";
        if (sub_path.starts_with('/')) {
            errors.push_back(invalid(inner, sub_path, "must be a relative path"));
        } else if (fmt::format("/{}/", sub_path).find("/../") != std::string::npos) {
            errors.push_back(invalid(inner, sub_path, "must not contain '..'"));
        }
    }
}

void check_security(const Value& context, const std::string& field, FieldErrors& errors) {
    check_ids(context, {"runAsUser", "runAsGroup"}, field, errors);
    if (context.bool_at({"privileged"}) && !context.bool_at({"allowPrivilegeEscalation"}, true)) {
        errors.push_back(invalid(
            field, context,
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        ));
    }
}

void check_container(
    const Value& container, const std::string& field, bool host_network,
    const std::set<std::string>& volumes, FieldErrors& errors
) {
    check_image(container, field, errors);
    check_ports(container, field, host_network, errors);
    check_environment(container, field, errors);
    check_mounts(container, field, volumes, errors);
    validate_resources(container, field, errors);
    for (const std::string_view probe : {"livenessProbe", "readinessProbe", "startupProbe"}) {
        validate_probe(container, probe, field, errors);
    }
    check_choice(
        container.text_at({"imagePullPolicy"}), {"Always", "IfNotPresent", "Never"},
        field + ".imagePullPolicy", errors
    );
    check_choice(
        container.text_at({"terminationMessagePolicy"}), {"File", "FallbackToLogsOnError"},
        field + ".terminationMessagePolicy", errors
    );
    check_choice(
        container.text_at({"restartPolicy"}), {"Always", "Never", "OnFailure"},
        field + ".restartPolicy", errors
    );
    validate_lifecycle(container, field, errors);
    if (const Value* context = container.find("securityContext")) {
        check_security(*context, field + ".securityContext", errors);
    }
}

// Only those that stay beside the others are watched while they run.
void check_init_container(const Value& container, const std::string& field, FieldErrors& errors) {
    if (container.text_at({"restartPolicy"}) == "Always") {
        return;
    }
    for (const std::string_view name :
         {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
        if (container.find(name) != nullptr) {
            errors.push_back(forbidden(
                fmt::format("{}.{}", field, name),
                "may not be set for init containers without restartPolicy=Always"
            ));
        }
    }
}

// Containers of one machine's pod share its ports.
void check_host_ports(const Value& pod, FieldErrors& errors) {
    std::set<std::string> taken;
    const auto& containers = list_at(pod, {"spec", "containers"});
    for (std::size_t i = 0; i < containers.size(); ++i) {
        const auto& ports = list_at(containers[i], {"ports"});
        for (std::size_t j = 0; j < ports.size(); ++j) {
            const std::int64_t number = ports[j].integer_at({"hostPort"});
            std::string key = fmt::format(
                "{}/{}/{}", ports[j].text_at({"protocol"}), ports[j].text_at({"hostIP"}), number
            );
            if (number != 0 && !taken.insert(key).second) {
                errors.push_back(
                    duplicate(fmt::format("spec.containers[{}].ports[{}].hostPort", i, j), key)
                );
            }
        }
    }
}

}  // namespace

void validate_containers(
    const json::Value& pod, const std::set<std::string>& volumes, FieldErrors& errors
) {
    const bool host_network = pod.bool_at({"spec", "hostNetwork"});
    if (list_at(pod, {"spec", "containers"}).empty()) {
        errors.push_back(required("spec.containers"));
    }
    std::set<std::string_view> names;
    for (const std::string_view list : {"containers", "initContainers", "ephemeralContainers"}) {
        const auto& containers = list_at(pod, {"spec", list});
        for (std::size_t i = 0; i < containers.size(); ++i) {
            const std::string field = fmt::format("spec.{}[{}]", list, i);
            const std::string_view name = containers[i].text_at({"name"});
            if (name.empty()) {
                errors.push_back(required(field + ".name"));
            } else if (const auto complaint = object::check_dns1123_label(name)) {
                errors.push_back(invalid(field + ".name", name, *complaint));
            } else if (!names.insert(name).second) {
                errors.push_back(duplicate(field + ".name", name));
            }
            check_container(containers[i], field, host_network, volumes, errors);
            if (list == "initContainers") {
                check_init_container(containers[i], field, errors);
            }
        }
    }
    check_host_ports(pod, errors);
}

}  // namespace farhold::kubeschema
