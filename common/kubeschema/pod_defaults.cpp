// SPDX-License-Identifier: Apache-2.0
//
// What Kubernetes writes into every pod: the defaults of core/v1 and those of the admission plugins
// ServiceAccount, Priority and DefaultTolerationSeconds. (The token volume of ServiceAccount is not
// added: nothing here issues such tokens yet.)
#include "common/kubeschema/pod_rules.hpp"
#include "common/object/quantity.hpp"

#include <algorithm>
#include <array>

namespace farhold::kubeschema {
namespace {

using json::Value;

constexpr int kFileMode = 0644;
constexpr int kTokenSeconds = 3600;
constexpr int kTolerationSeconds = 300;

constexpr std::array<std::string_view, 3> kContainerLists = {
    "initContainers", "containers", "ephemeralContainers"
};

// A tag other than "latest" and a digest name one image for good.
std::string_view pull_policy(std::string_view image) {
    if (image.find('@') != std::string_view::npos) {
        return "IfNotPresent";
    }
    const auto slash = image.rfind('/');
    const std::string_view last = slash == std::string_view::npos ? image : image.substr(slash + 1);
    const auto colon = last.find(':');
    const bool latest =
        !image.empty() && (colon == std::string_view::npos || last.substr(colon + 1) == "latest");
    return latest ? "Always" : "IfNotPresent";
}

void default_http_get(Value& handler) {
    if (Value* http = handler.find("httpGet")) {
        set_default(*http, "path", Value::of("/"));
        set_default(*http, "scheme", Value::of("HTTP"));
    }
}

void default_probe(Value& container, std::string_view name) {
    Value* probe = container.find(name);
    if (probe == nullptr) {
        return;
    }
    default_http_get(*probe);
    if (Value* grpc = probe->find("grpc")) {
        set_default(*grpc, "service", Value::of(""));
    }
    set_default(*probe, "timeoutSeconds", Value::of(1));
    set_default(*probe, "periodSeconds", Value::of(10));
    set_default(*probe, "successThreshold", Value::of(1));
    set_default(*probe, "failureThreshold", Value::of(3));
}

// A limit without a request is the request too.
void default_requests(Value& resources) {
    const Value* limits = resources.find("limits");
    if (limits == nullptr) {
        return;
    }
    const Value copy = *limits;
    Value& requests = resources["requests"];
    for (const json::Member& limit : copy.object()) {
        set_default(requests, limit.key, limit.value);
    }
}

void default_field_refs(Value& items, std::string_view holder) {
    for (Value& item : items.array()) {
        Value* source = holder.empty() ? &item : item.find(holder);
        Value* reference = source != nullptr ? source->find("fieldRef") : nullptr;
        if (reference != nullptr) {
            set_default(*reference, "apiVersion", Value::of("v1"));
        }
    }
}

void default_ports(Value& container, bool host_network) {
    Value* ports = container.find("ports");
    if (ports == nullptr) {
        return;
    }
    for (Value& port : ports->array()) {
        set_default(port, "protocol", Value::of("TCP"));
        const Value* number = port.find("containerPort");
        if (host_network && number != nullptr) {
            set_default(port, "hostPort", Value(*number));
        }
    }
}

void default_container(Value& container, bool host_network) {
    const std::string_view policy = pull_policy(container.text_at({"image"}));
    default_ports(container, host_network);
    default_requests(container.ensure_path({"resources"}));
    if (Value* env = container.find("env")) {
        default_field_refs(*env, "valueFrom");
    }
    for (const std::string_view probe : {"livenessProbe", "readinessProbe", "startupProbe"}) {
        default_probe(container, probe);
    }
    for (const std::string_view hook : {"postStart", "preStop"}) {
        if (Value* handler = container.at_path({"lifecycle", hook})) {
            default_http_get(*handler);
        }
    }
    set_default(container, "terminationMessagePath", Value::of("/dev/termination-log"));
    set_default(container, "terminationMessagePolicy", Value::of("File"));
    set_default(container, "imagePullPolicy", Value::of(policy));
}

void default_projection(Value& projected) {
    set_default(projected, "defaultMode", Value::of(kFileMode));
    Value* sources = projected.find("sources");
    if (sources == nullptr) {
        return;
    }
    for (Value& source : sources->array()) {
        if (Value* token = source.find("serviceAccountToken")) {
            set_default(*token, "expirationSeconds", Value::of(kTokenSeconds));
        }
        if (Value* items = source.at_path({"downwardAPI", "items"})) {
            default_field_refs(*items, {});
        }
    }
}

void default_volume(Value& volume) {
    const bool has_source = volume.size() > (volume.find("name") != nullptr ? 1U : 0U);
    if (!has_source) {
        volume.set("emptyDir", Value::make_object());
    }
    for (const std::string_view source : {"secret", "configMap", "downwardAPI"}) {
        if (Value* files = volume.find(source)) {
            set_default(*files, "defaultMode", Value::of(kFileMode));
        }
    }
    if (Value* items = volume.at_path({"downwardAPI", "items"})) {
        default_field_refs(*items, {});
    }
    if (Value* path = volume.find("hostPath")) {
        set_default(*path, "type", Value::of(""));
    }
    if (Value* projected = volume.find("projected")) {
        default_projection(*projected);
    }
}

bool tolerates(const Value& spec, std::string_view taint) {
    return std::ranges::any_of(list_at(spec, {"tolerations"}), [&](const Value& toleration) {
        const std::string_view key = toleration.text_at({"key"});
        const std::string_view effect = toleration.text_at({"effect"});
        return (key.empty() || key == taint) && (effect.empty() || effect == "NoExecute");
    });
}

void default_tolerations(Value& spec) {
    for (const std::string_view taint :
         {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
        if (!tolerates(spec, taint)) {
            spec["tolerations"].push_back(Value::make_object({
                {"key", Value::of(taint)},
                {"operator", Value::of("Exists")},
                {"effect", Value::of("NoExecute")},
                {"tolerationSeconds", Value::of(kTolerationSeconds)},
            }));
        }
    }
}

// serviceAccount is the old name of serviceAccountName; both are written.
void default_service_account(Value& spec) {
    const std::string name(
        spec.text_at({"serviceAccountName"}, spec.text_at({"serviceAccount"}, "default"))
    );
    spec.set("serviceAccountName", Value::of(name));
    spec.set("serviceAccount", Value::of(name));
}

struct Amounts {
    object::Quantity request;
    object::Quantity limit;
    bool limited = true;  // Every container has a limit for it.
};

object::Quantity amount(const Value& container, std::string_view list, std::string_view resource) {
    const auto quantity =
        object::Quantity::parse(container.text_at({"resources", list, resource}, "0"));
    return quantity.value_or(object::Quantity());
}

Amounts sum_of(const Value& pod, std::string_view resource) {
    Amounts total;
    for (const std::string_view list : {"containers", "initContainers"}) {
        for (const Value& container : list_at(pod, {"spec", list})) {
            const object::Quantity limit = amount(container, "limits", resource);
            total.request = total.request + amount(container, "requests", resource);
            total.limit = total.limit + limit;
            total.limited = total.limited && limit > object::Quantity();
        }
    }
    return total;
}

}  // namespace

void default_pod(json::Value& pod) {
    Value& spec = pod.ensure_path({"spec"});
    set_default(spec, "restartPolicy", Value::of("Always"));
    set_default(spec, "terminationGracePeriodSeconds", Value::of(30));
    set_default(spec, "dnsPolicy", Value::of("ClusterFirst"));
    set_default(spec, "schedulerName", Value::of("default-scheduler"));
    set_default(spec, "securityContext", Value::make_object());
    set_default(spec, "enableServiceLinks", Value::of(true));
    set_default(spec, "priority", Value::of(0));
    set_default(spec, "preemptionPolicy", Value::of("PreemptLowerPriority"));
    default_service_account(spec);
    default_tolerations(spec);
    const bool host_network = spec.bool_at({"hostNetwork"});
    for (const std::string_view list : kContainerLists) {
        if (Value* containers = spec.find(list)) {
            for (Value& container : containers->array()) {
                default_container(container, host_network);
            }
        }
    }
    if (Value* volumes = spec.find("volumes")) {
        std::ranges::for_each(volumes->array(), default_volume);
    }
}

std::string_view qos_class(const json::Value& pod) {
    bool any = false;
    bool guaranteed = true;
    for (const std::string_view resource : {"cpu", "memory"}) {
        const Amounts total = sum_of(pod, resource);
        any = any || total.request > object::Quantity() || total.limit > object::Quantity();
        guaranteed = guaranteed && total.limited && total.request == total.limit;
    }
    if (!any) {
        return "BestEffort";
    }
    return guaranteed ? "Guaranteed" : "Burstable";
}

}  // namespace farhold::kubeschema
