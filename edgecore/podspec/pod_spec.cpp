// SPDX-License-Identifier: Apache-2.0
#include "edgecore/podspec/pod_spec.hpp"

#include "common/base/encoding.hpp"
#include "common/base/sha256.hpp"
#include "common/object/metadata.hpp"
#include "edgecore/podspec/pod_parsing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::podspec {

namespace {

// About thirty years: longer than any machine, short enough to be added to any Instant.
constexpr std::int64_t kLongestSeconds = 1'000'000'000;

std::optional<std::chrono::seconds> seconds_at(const json::Value& object, std::string_view key) {
    const json::Value* found = object.find(key);
    const auto count = found != nullptr ? found->integer() : std::nullopt;
    if (!count) {
        return std::nullopt;
    }
    return std::chrono::seconds(std::clamp<std::int64_t>(*count, 0, kLongestSeconds));
}

std::map<std::string, std::string> text_map(const json::Value* object) {
    std::map<std::string, std::string> result;
    if (object != nullptr && object->is_object()) {
        for (const auto& [key, value] : object->object()) {
            result.emplace(key, value.string().value_or(""));
        }
    }
    return result;
}

// Names become parts of paths on this machine; what the API server let pass is checked again.
bool is_path_component(std::string_view name) {
    return !name.empty() && name.size() <= 253 && name.front() != '.' && !name.contains('/') &&
           !name.contains('\0');
}

// Kubernetes' default when the manifest names no policy: by tag.
PullPolicy default_pull_policy(std::string_view image) {
    if (image.contains('@')) {
        return PullPolicy::if_not_present;
    }
    const std::string_view last = image.substr(image.rfind('/') + 1);
    const auto colon = last.find(':');
    const bool latest = colon == std::string_view::npos || last.substr(colon + 1) == "latest";
    return latest ? PullPolicy::always : PullPolicy::if_not_present;
}

PullPolicy pull_policy_of(const json::Value& container) {
    const std::string_view text = container.text_at({"imagePullPolicy"});
    if (text == "Always") {
        return PullPolicy::always;
    }
    if (text == "Never") {
        return PullPolicy::never;
    }
    return text == "IfNotPresent" ? PullPolicy::if_not_present
                                  : default_pull_policy(container.text_at({"image"}));
}

KeySelector key_selector(const json::Value& reference) {
    return {
        .object = text_of(reference, "name"),
        .key = text_of(reference, "key"),
        .optional = reference.bool_at({"optional"}),
    };
}

EnvVar parse_env(const json::Value& entry, Unsupported& unsupported) {
    EnvVar result{.name = text_of(entry, "name"), .value = text_of(entry, "value")};
    const json::Value* from = entry.find("valueFrom");
    if (from == nullptr || !from->is_object()) {
        return result;
    }
    if (const json::Value* reference = from->find("configMapKeyRef"); reference != nullptr) {
        result.value = ConfigMapKey{key_selector(*reference)};
    } else if (const json::Value* secret = from->find("secretKeyRef"); secret != nullptr) {
        result.value = SecretKey{key_selector(*secret)};
    } else if (const json::Value* field = from->find("fieldRef"); field != nullptr) {
        result.value = parse_field_ref(*field);
    } else if (const json::Value* amount = from->find("resourceFieldRef"); amount != nullptr) {
        result.value = parse_resource_ref(*amount);
    } else {
        unsupported.push_back(
            fmt::format("environment variable \"{}\" has an unknown source", result.name)
        );
    }
    return result;
}

void parse_env_from(const json::Value& container, ContainerSpec& spec) {
    for (const json::Value& source : list_at(container, "envFrom")) {
        const json::Value* secret = source.find("secretRef");
        const json::Value* reference = secret != nullptr ? secret : source.find("configMapRef");
        if (reference != nullptr) {
            spec.env_from.push_back({
                .kind = secret != nullptr ? EnvFrom::Kind::secret : EnvFrom::Kind::config_map,
                .object = text_of(*reference, "name"),
                .prefix = text_of(source, "prefix"),
                .optional = reference->bool_at({"optional"}),
            });
        }
    }
}

Propagation parse_propagation(std::string_view text) {
    if (text == "HostToContainer") {
        return Propagation::host_to_container;
    }
    return text == "Bidirectional" ? Propagation::bidirectional : Propagation::none;
}

void parse_ports_and_mounts(
    const json::Value& container, ContainerSpec& spec, Unsupported& unsupported
) {
    for (const json::Value& port : list_at(container, "ports")) {
        const std::string protocol = text_of(port, "protocol");
        spec.ports.push_back({
            .name = text_of(port, "name"),
            .container_port = static_cast<std::int32_t>(port.integer_at({"containerPort"})),
            .host_port = static_cast<std::int32_t>(port.integer_at({"hostPort"})),
            .host_ip = text_of(port, "hostIP"),
            .protocol = protocol.empty() ? "TCP" : protocol,
        });
    }
    for (const json::Value& mount : list_at(container, "volumeMounts")) {
        spec.mounts.push_back({
            .volume = text_of(mount, "name"),
            .mount_path = text_of(mount, "mountPath"),
            .sub_path = text_of(mount, "subPath"),
            .sub_path_expr = text_of(mount, "subPathExpr"),
            .read_only = mount.bool_at({"readOnly"}),
            .propagation = parse_propagation(mount.text_at({"mountPropagation"})),
        });
        const std::string_view recursive = mount.text_at({"recursiveReadOnly"});
        if (recursive == "Enabled") {
            unsupported.push_back(fmt::format(
                "container \"{}\" mounts \"{}\" recursively read-only", spec.name,
                text_of(mount, "name")
            ));
        }
    }
}

// Probes, hooks and sidecars come with their own part; running such a pod without them would be
// another pod than the one asked for.
void note_unsupported(const json::Value& container, Unsupported& unsupported) {
    for (const std::string_view key : {
             "livenessProbe",
             "readinessProbe",
             "startupProbe",
             "lifecycle",
             "volumeDevices",
             "restartPolicy",
             "restartPolicyRules",
         }) {
        if (const json::Value* found = container.find(key); found != nullptr && !found->is_null()) {
            if (found->is_string() || !found->empty()) {
                unsupported.push_back(
                    fmt::format("container \"{}\" sets {}", text_of(container, "name"), key)
                );
            }
        }
    }
}

Result<ContainerSpec> parse_container(
    const json::Value& pod_spec, const json::Value& container, Unsupported& unsupported
) {
    ContainerSpec spec;
    spec.name = text_of(container, "name");
    spec.image = text_of(container, "image");
    if (!is_path_component(spec.name) || spec.image.empty()) {
        return fail(ErrorCode::invalid_argument, "a container has no usable name or no image");
    }
    spec.pull_policy = pull_policy_of(container);
    spec.command = texts_at(container, "command");
    spec.args = texts_at(container, "args");
    spec.working_dir = text_of(container, "workingDir");
    for (const json::Value& entry : list_at(container, "env")) {
        spec.env.push_back(parse_env(entry, unsupported));
    }
    parse_env_from(container, spec);
    parse_ports_and_mounts(container, spec, unsupported);
    auto resources = parse_resources(container, unsupported);
    if (!resources) {
        return fail(resources.error().within("container " + spec.name));
    }
    spec.resources = *resources;
    spec.security = parse_security(pod_spec, container, unsupported);
    if (const std::string path = text_of(container, "terminationMessagePath"); !path.empty()) {
        spec.message_path = path;
    }
    if (container.text_at({"terminationMessagePolicy"}) == "FallbackToLogsOnError") {
        spec.message_policy = MessagePolicy::fallback_to_logs_on_error;
    }
    spec.stdin_open = container.bool_at({"stdin"});
    spec.stdin_once = container.bool_at({"stdinOnce"});
    spec.tty = container.bool_at({"tty"});
    spec.hash = hex_encode(sha256_of({spec.name, spec.image})).substr(0, 16);
    note_unsupported(container, unsupported);
    return spec;
}

Result<void> parse_containers(const json::Value& pod_spec, PodSpec& spec) {
    for (const json::Value& container : list_at(pod_spec, "initContainers")) {
        auto parsed = parse_container(pod_spec, container, spec.unsupported);
        if (!parsed) {
            return fail(parsed.error());
        }
        spec.init_containers.push_back(std::move(*parsed));
    }
    for (const json::Value& container : list_at(pod_spec, "containers")) {
        auto parsed = parse_container(pod_spec, container, spec.unsupported);
        if (!parsed) {
            return fail(parsed.error());
        }
        spec.containers.push_back(std::move(*parsed));
    }
    if (spec.containers.empty()) {
        return fail(ErrorCode::invalid_argument, "the pod has no container");
    }
    return {};
}

void parse_network(const json::Value& pod_spec, PodSpec& spec) {
    spec.host_network = pod_spec.bool_at({"hostNetwork"});
    spec.service_links = pod_spec.bool_at({"enableServiceLinks"}, true);
    spec.hostname = text_of(pod_spec, "hostname");
    spec.subdomain = text_of(pod_spec, "subdomain");
    const std::string_view policy = pod_spec.text_at({"dnsPolicy"});
    if (policy == "Default") {
        spec.dns_policy = DnsPolicy::standard;
    } else if (policy == "None") {
        spec.dns_policy = DnsPolicy::none;
    } else if (policy == "ClusterFirstWithHostNet") {
        spec.dns_policy = DnsPolicy::cluster_first_with_host_net;
    }
    if (const json::Value* dns = pod_spec.find("dnsConfig"); dns != nullptr) {
        spec.dns_config.servers = texts_at(*dns, "nameservers");
        spec.dns_config.searches = texts_at(*dns, "searches");
        for (const json::Value& option : list_at(*dns, "options")) {
            const std::string name = text_of(option, "name");
            const std::string value = text_of(option, "value");
            spec.dns_config.options.push_back(
                value.empty() ? name : fmt::format("{}:{}", name, value)
            );
        }
    }
    for (const json::Value& alias : list_at(pod_spec, "hostAliases")) {
        spec.host_aliases.push_back(
            {.ip = text_of(alias, "ip"), .hostnames = texts_at(alias, "hostnames")}
        );
    }
}

void note_unsupported_pod(const json::Value& pod_spec, Unsupported& unsupported) {
    for (const std::string_view key :
         {"runtimeClassName", "resourceClaims", "ephemeralContainers", "setHostnameAsFQDN"}) {
        if (const json::Value* found = pod_spec.find(key); found != nullptr) {
            if (found->boolean().value_or(false) || !found->string().value_or("").empty() ||
                !found->empty()) {
                unsupported.push_back(fmt::format("the pod sets {}", key));
            }
        }
    }
    if (const json::Value* users = pod_spec.find("hostUsers");
        users != nullptr && !users->boolean().value_or(true)) {
        unsupported.emplace_back("the pod sets hostUsers to false");
    }
    if (pod_spec.text_at({"os", "name"}, "linux") != "linux") {
        unsupported.emplace_back("the pod is not for Linux");
    }
}

RestartPolicy parse_restart_policy(std::string_view text) {
    if (text == "Never") {
        return RestartPolicy::never;
    }
    return text == "OnFailure" ? RestartPolicy::on_failure : RestartPolicy::always;
}

}  // namespace

const json::Array& list_at(const json::Value& object, std::string_view key) {
    static const json::Array nothing;
    const json::Value* found = object.find(key);
    return found != nullptr && found->is_array() ? found->array() : nothing;
}

std::vector<std::string> texts_at(const json::Value& object, std::string_view key) {
    std::vector<std::string> result;
    for (const json::Value& element : list_at(object, key)) {
        result.emplace_back(element.string().value_or(""));
    }
    return result;
}

std::string text_of(const json::Value& object, std::string_view key) {
    return std::string(object.text_at({key}));
}

const ContainerSpec* PodSpec::find_container(std::string_view name) const {
    for (const auto* list : {&containers, &init_containers}) {
        const auto found = std::ranges::find(*list, name, &ContainerSpec::name);
        if (found != list->end()) {
            return &*found;
        }
    }
    return nullptr;
}

std::optional<std::int64_t> PodSpec::common_user() const {
    const std::optional<std::int64_t> user = containers.front().security.run_as_user;
    for (const auto* list : {&containers, &init_containers}) {
        const auto differs = [&](const ContainerSpec& one) {
            return one.security.run_as_user != user;
        };
        if (std::ranges::any_of(*list, differs)) {
            return std::nullopt;
        }
    }
    return user;
}

Result<PodSpec> parse_pod(const json::Value& content, std::string uid) {
    const json::Value* pod_spec = content.find("spec");
    if (pod_spec == nullptr || !pod_spec->is_object()) {
        return fail(ErrorCode::invalid_argument, "the pod has no spec");
    }
    PodSpec spec;
    spec.identity = {
        .ns = std::string(object::ns(content)),
        .name = std::string(object::name(content)),
        .uid = std::move(uid),
    };
    for (const std::string* part : {&spec.identity.ns, &spec.identity.name, &spec.identity.uid}) {
        if (!is_path_component(*part)) {
            return fail(ErrorCode::invalid_argument, "the pod has no usable name or uid");
        }
    }
    spec.labels = text_map(object::labels(content));
    spec.annotations = text_map(object::annotations(content));
    spec.generation = object::generation(content);
    spec.final_phase = content.text_at({"status", "phase"});
    spec.deleting = object::is_deleting(content);
    if (const json::Value* metadata = content.find("metadata"); metadata != nullptr) {
        spec.deletion_grace = seconds_at(*metadata, "deletionGracePeriodSeconds");
    }
    spec.node_name = text_of(*pod_spec, "nodeName");
    spec.service_account = text_of(*pod_spec, "serviceAccountName");
    spec.restart_policy = parse_restart_policy(pod_spec->text_at({"restartPolicy"}));
    spec.grace = seconds_at(*pod_spec, "terminationGracePeriodSeconds").value_or(spec.grace);
    spec.active_deadline = seconds_at(*pod_spec, "activeDeadlineSeconds");
    spec.host_pid = pod_spec->bool_at({"hostPID"});
    spec.host_ipc = pod_spec->bool_at({"hostIPC"});
    spec.share_processes = pod_spec->bool_at({"shareProcessNamespace"});
    parse_network(*pod_spec, spec);
    parse_pod_security(*pod_spec, spec);
    if (auto containers = parse_containers(*pod_spec, spec); !containers) {
        return fail(containers.error());
    }
    auto volumes = parse_volumes(*pod_spec, spec.unsupported);
    if (!volumes) {
        return fail(volumes.error());
    }
    spec.volumes = std::move(*volumes);
    if (!std::ranges::all_of(spec.volumes, is_path_component, &Volume::name)) {
        return fail(ErrorCode::invalid_argument, "a volume has no usable name");
    }
    for (const json::Value& gate : list_at(*pod_spec, "readinessGates")) {
        spec.readiness_gates.push_back(text_of(gate, "conditionType"));
    }
    note_unsupported_pod(*pod_spec, spec.unsupported);
    spec.total = total_resources(spec);
    spec.qos = qos_of(spec);
    return spec;
}

std::string pod_title(const PodIdentity& identity) {
    return fmt::format("{}_{}({})", identity.name, identity.ns, identity.uid);
}

}  // namespace farhold::podspec
