// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/pod_binding.hpp"
#include "common/kubeschema/pod_rules.hpp"
#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

namespace farhold::kubeschema {
namespace {

using json::Value;

void prepare_pod(Value& pod) {
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

// The machine reports what the containers do; whose they are and how they are classed is ours.
void prepare_pod_update(Value& updated, const Value& current, Part part) {
    if (part != Part::status) {
        return;
    }
    Value& status = updated.ensure_path({"status"});
    align_pod_ips(status);
    if (const Value* qos = current.at_path({"status", "qosClass"})) {
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

void set_scheduled(Value& pod, WallTime now) {
    Value& conditions = pod.ensure_path({"status"})["conditions"];
    if (!conditions.is_array()) {
        conditions = Value::make_array();
    }
    for (Value& condition : conditions.array()) {
        if (condition.text_at({"type"}) == "PodScheduled") {
            if (condition.text_at({"status"}) != "True") {
                condition.set("lastTransitionTime", Value::of(object::format_time(now)));
            }
            condition.set("status", Value::of("True"));
            condition.erase("reason");
            condition.erase("message");
            return;
        }
    }
    conditions.push_back(Value::make_object({
        {"type", Value::of("PodScheduled")},
        {"status", Value::of("True")},
        {"lastTransitionTime", Value::of(object::format_time(now))},
    }));
}

}  // namespace

ResourceType make_pod_type() {
    ResourceType type = make_type("Pod", "pods", "pod");
    type.short_names = {"po"};
    type.categories = {"all"};
    type.subresources = {
        {.name = "binding", .kind = "Binding", .verbs = {"create"}}, status_subresource()
    };
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
    type.apply_defaults = default_pod;
    type.prepare_create = prepare_pod;
    type.prepare_update = prepare_pod_update;
    type.validate = validate_pod;
    type.validate_update = validate_pod_update;
    type.default_grace = default_pod_grace;
    return type;
}

Result<void> bind_pod(json::Value& pod, const json::Value& binding, WallTime now) {
    const std::string_view kind = binding.text_at({"target", "kind"}, "Node");
    const std::string_view target = binding.text_at({"target", "name"});
    if (kind != "Node" || target.empty()) {
        return fail(ErrorCode::invalid_argument, "the target of a Binding is a Node with a name");
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
    set_scheduled(pod, now);
    return {};
}

}  // namespace farhold::kubeschema
