// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/pod_binding.hpp"
#include "common/kubeschema/pod_eviction.hpp"
#include "common/kubeschema/pod_rules.hpp"
#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace farhold::kubeschema {
namespace {

using json::Value;

void prepare_pod(Value& pod) {
    // Less than no time is the least there is.
    Value* grace = pod.at_path({"spec", "terminationGracePeriodSeconds"});
    if (grace != nullptr && grace->integer().value_or(0) < 0) {
        *grace = Value::of(1);
    }
    pod.set(
        "status", Value::make_object({
                      {"phase", Value::of("Pending")},
                      {"qosClass", Value::of(qos_class(pod))},
                  })
    );
}

// podIP is the first of podIPs; clients of either form see both, and podIP wins.
void align_pod_ips(Value& status) {
    const std::string ip(status.text_at({"podIP"}));
    Value* list = status.find("podIPs");
    const bool listed = list != nullptr && list->is_array() && !list->empty();
    if (ip.empty() && listed) {
        status.set("podIP", Value::of(list->array().front().text_at({"ip"})));
    } else if (!ip.empty() && (!listed || list->array().front().text_at({"ip"}) != ip)) {
        status.set("podIPs", Value::make_array({Value::make_object({{"ip", Value::of(ip)}})}));
    }
}

// They join a pod that runs.
void validate_new_pod(const Value& pod, FieldErrors& errors) {
    if (!list_at(pod, {"spec", "ephemeralContainers"}).empty()) {
        errors.push_back(forbidden("spec.ephemeralContainers", "cannot be set on create"));
    }
}

// The machine reports what the containers do; whose they are and how they are classed is ours.
void prepare_pod_update(Value& updated, const Value& current, Part part) {
    if (part != Part::status) {
        return;
    }
    Value& status = updated.ensure_path({"status"});
    align_pod_ips(status);
    const Value* qos = current.at_path({"status", "qosClass"});
    if (qos != nullptr && status.text_at({"qosClass"}).empty()) {
        status.set("qosClass", *qos);
    }
    Value& metadata = updated.ensure_path({"metadata"});
    if (const Value* owners = current.at_path({"metadata", "ownerReferences"})) {
        metadata.set("ownerReferences", *owners);
    } else {
        metadata.erase("ownerReferences");
    }
}

// Nothing runs of a pod that has no node yet or has ended.
std::int64_t default_pod_grace(const Value& pod) {
    const std::string_view phase = pod.text_at({"status", "phase"});
    if (pod.text_at({"spec", "nodeName"}).empty() || phase == "Succeeded" || phase == "Failed") {
        return 0;
    }
    constexpr std::int64_t kDefaultSeconds = 30;
    const std::int64_t grace =
        pod.integer_at({"spec", "terminationGracePeriodSeconds"}, kDefaultSeconds);
    return grace < 0 ? 1 : grace;
}

// Makes the condition true, for a reason or for none.
void set_true(
    Value& pod, WallTime now, std::string_view type, std::string_view reason = {},
    std::string_view message = {}
) {
    Value& conditions = pod.ensure_path({"status"})["conditions"];
    if (!conditions.is_array()) {
        conditions = Value::make_array();
    }
    auto& list = conditions.array();
    auto condition = std::ranges::find_if(list, [type](const Value& entry) {
        return entry.text_at({"type"}) == type;
    });
    if (condition == list.end()) {
        list.push_back(Value::make_object({
            {"type", Value::of(type)},
            {"lastProbeTime", Value()},
        }));
        condition = std::prev(list.end());
    }
    if (condition->text_at({"status"}) != "True") {
        condition->set("status", Value::of("True"));
        condition->set("lastTransitionTime", Value::of(object::format_time(now)));
    }
    for (const auto& [key, text] : {std::pair("reason", reason), std::pair("message", message)}) {
        if (text.empty()) {
            condition->erase(key);
        } else {
            condition->set(key, Value::of(text));
        }
    }
}

}  // namespace

ResourceType make_pod_type() {
    ResourceType type = make_type("Pod", "pods", "pod");
    type.short_names = {"po"};
    type.categories = {"all"};
    type.subresources = {
        {.name = "attach", .kind = "PodAttachOptions", .verbs = {"create", "get"}},
        {.name = "binding", .kind = "Binding", .verbs = {"create"}},
        {.name = "eviction",
         .group = "policy",
         .version = "v1",
         .kind = "Eviction",
         .verbs = {"create"}},
        {.name = "exec", .kind = "PodExecOptions", .verbs = {"create", "get"}},
        {.name = "log", .verbs = {"get"}},
        {.name = "portforward", .kind = "PodPortForwardOptions", .verbs = {"create", "get"}},
        status_subresource(),
    };
    type.answers_deleted = true;
    type.has_generation = true;
    type.selectable_fields = {
        "spec.hostNetwork",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.nominatedNodeName",
        "status.phase",
        "status.podIP",
        "status.podIPs",
    };
    type.columns = pod_columns();
    type.cells = pod_cells;
    type.row_conditions = pod_row_conditions;
    type.apply_defaults = default_pod;
    type.prepare_create = prepare_pod;
    type.prepare_update = prepare_pod_update;
    type.validate = validate_pod;
    type.validate_create = validate_new_pod;
    type.validate_update = validate_pod_update;
    type.default_grace = default_pod_grace;
    return type;
}

Result<void> bind_pod(json::Value& pod, const json::Value& binding, WallTime now) {
    const std::string_view kind = binding.text_at({"target", "kind"});
    const std::string_view target = binding.text_at({"target", "name"});
    if (!kind.empty() && kind != "Node") {
        return fail(
            ErrorCode::invalid_argument,
            unsupported("target.kind", kind, {"Node", "<empty>"}).text()
        );
    }
    if (target.empty()) {
        return fail(ErrorCode::invalid_argument, required("target.name").text());
    }
    const std::string_view uid = binding.text_at({"metadata", "uid"});
    if (!uid.empty() && uid != object::uid(pod)) {
        return fail(
            ErrorCode::conflict,
            fmt::format(
                "Precondition failed: UID in precondition: {}, UID in object meta: {}", uid,
                object::uid(pod)
            )
        );
    }
    if (object::is_deleting(pod)) {
        return fail(
            ErrorCode::conflict,
            fmt::format("pod {} is being deleted, cannot be assigned to a host", object::name(pod))
        );
    }
    const std::string_view bound = pod.text_at({"spec", "nodeName"});
    if (!bound.empty()) {
        return fail(
            ErrorCode::conflict,
            fmt::format("pod {} is already assigned to node \"{}\"", object::name(pod), bound)
        );
    }
    pod.ensure_path({"spec"}).set("nodeName", Value::of(target));
    if (const Value* annotations = object::annotations(binding)) {
        for (const json::Member& annotation : annotations->object()) {
            object::set_annotation(pod, annotation.key, annotation.value.string().value_or(""));
        }
    }
    // Where the node is, for instance; what the pod says of itself stands.
    if (const Value* labels = object::labels(binding)) {
        for (const json::Member& label : labels->object()) {
            if (!object::label(pod, label.key)) {
                object::set_label(pod, label.key, label.value.string().value_or(""));
            }
        }
    }
    set_true(pod, now, "PodScheduled");
    return {};
}

void mark_evicted(json::Value& pod, WallTime now) {
    set_true(pod, now, "DisruptionTarget", "EvictionByEvictionAPI", "Eviction API: evicting");
}

}  // namespace farhold::kubeschema
