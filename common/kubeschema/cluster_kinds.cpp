// SPDX-License-Identifier: Apache-2.0
//
// Namespace, ServiceAccount, Lease and Event.
#include "common/kubeschema/kinds.hpp"
#include "common/kubeschema/metadata_rules.hpp"
#include "common/object/metadata.hpp"
#include "common/object/names.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace farhold::kubeschema {
namespace {

using json::Value;

constexpr std::string_view kNameLabel = "kubernetes.io/metadata.name";

// The label by which selectors find a namespace; it cannot be changed.
void default_namespace(Value& object) {
    if (const std::string name(object::name(object)); !name.empty()) {
        object::set_label(object, kNameLabel, name);
    }
}

// Its finalizer holds the namespace until the namespace controller has emptied it.
void prepare_namespace(Value& object) {
    default_namespace(object);  // Its name may have been made up since.
    Value& finalizers = object.ensure_path({"spec"})["finalizers"];
    if (!finalizers.is_array()) {
        finalizers = Value::make_array();
    }
    const Value kubernetes = Value::of("kubernetes");
    if (std::ranges::find(finalizers.array(), kubernetes) == finalizers.array().end()) {
        finalizers.push_back(kubernetes);
    }
    object.set("status", Value::make_object({{"phase", Value::of("Active")}}));
}

// spec holds nothing but finalizers, and those change through /finalize.
void prepare_namespace_update(Value& updated, const Value& current, Part part) {
    if (part != Part::finalize) {
        if (const Value* spec = current.find("spec")) {
            updated.set("spec", *spec);
        }
    }
}

void validate_namespace(const Value& object, FieldErrors& errors) {
    const auto& finalizers = list_at(object, {"spec", "finalizers"});
    for (const Value& finalizer : finalizers) {
        validate_finalizer(
            std::string(finalizer.string().value_or("")), "spec.finalizers", "spec.finalizers",
            errors
        );
    }
}

// The phase says whether a namespace is going away, and nothing else.
void validate_namespace_update(
    const Value& updated, const Value& /*current*/, Part part, FieldErrors& errors
) {
    const std::string_view phase = updated.text_at({"status", "phase"});
    const bool going = object::is_deleting(updated);
    if (part == Part::status && phase != (going ? "Terminating" : "Active")) {
        errors.push_back(invalid(
            "status.Phase", phase,
            going ? "may only be 'Terminating' if `deletionTimestamp` is not empty"
                  : "may only be 'Active' if `deletionTimestamp` is empty"
        ));
    }
}

Cells namespace_cells(const Value& object, WallTime now) {
    return {
        text_cell(object, {"metadata", "name"}),
        text_cell(object, {"status", "phase"}),
        age_cell(object, now),
    };
}

Cells service_account_cells(const Value& object, WallTime now) {
    return {text_cell(object, {"metadata", "name"}), age_cell(object, now)};
}

void validate_lease(const Value& object, FieldErrors& errors) {
    const Value* duration = object.at_path({"spec", "leaseDurationSeconds"});
    if (duration != nullptr && duration->integer().value_or(0) <= 0) {
        errors.push_back(invalid("spec.leaseDurationSeconds", *duration, "must be greater than 0"));
    }
    const Value* transitions = object.at_path({"spec", "leaseTransitions"});
    if (transitions != nullptr && transitions->integer().value_or(0) < 0) {
        errors.push_back(
            invalid("spec.leaseTransitions", *transitions, "must be greater than or equal to 0")
        );
    }
}

Cells lease_cells(const Value& object, WallTime now) {
    return {
        text_cell(object, {"metadata", "name"}),
        text_cell(object, {"spec", "holderIdentity"}),
        age_cell(object, now),
    };
}

// Those with an exact time are of a newer form, in which more must be said.
void validate_new_event(const Value& object, FieldErrors& errors) {
    const std::string_view component = object.text_at({"reportingComponent"});
    if (component.empty()) {
        errors.push_back(required("reportingComponent"));
    }
    if (const auto complaint = object::check_qualified_name(component)) {
        errors.push_back(invalid("reportingComponent", component, *complaint));
    }
    for (const std::string_view field : {"reportingInstance", "action", "reason"}) {
        if (object.text_at({field}).empty()) {
            errors.push_back(required(std::string(field)));
        }
    }
}

// Events about objects without a namespace live in "default".
void validate_event(const Value& object, FieldErrors& errors) {
    const std::string_view ns = object::ns(object);
    const std::string_view involved = object.text_at({"involvedObject", "namespace"});
    if (!object.text_at({"eventTime"}).empty()) {
        validate_new_event(object, errors);
    }
    if (involved.empty() ? ns != "default" : ns != involved) {
        errors.push_back(
            invalid("involvedObject.namespace", involved, "does not match event.namespace")
        );
    }
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
}

std::string event_target(const Value& object) {
    const std::string kind = lower(object.text_at({"involvedObject", "kind"}));
    const std::string_view name = object.text_at({"involvedObject", "name"});
    return name.empty() ? kind : fmt::format("{}/{}", kind, name);
}

std::string event_source(const Value& object) {
    const std::string_view component =
        object.text_at({"source", "component"}, object.text_at({"reportingComponent"}));
    const std::string_view host =
        object.text_at({"source", "host"}, object.text_at({"reportingInstance"}));
    return host.empty() ? std::string(component) : fmt::format("{}, {}", component, host);
}

std::string trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
    return std::string(text.substr(0, text.find_last_not_of(kSpace) + 1));
}

Cells event_cells(const Value& object, WallTime now) {
    const std::string_view first =
        object.text_at({"firstTimestamp"}, object.text_at({"eventTime"}));
    std::string_view last = object.text_at({"lastTimestamp"}, first);
    std::int64_t count = std::max<std::int64_t>(object.integer_at({"count"}), 1);
    if (const Value* series = object.find("series")) {
        last = series->text_at({"lastObservedTime"});
        count = series->integer_at({"count"});
    }
    return {
        Value::of(object::human_age(last, now)),
        text_cell(object, {"type"}),
        text_cell(object, {"reason"}),
        Value::of(event_target(object)),
        text_cell(object, {"involvedObject", "fieldPath"}),
        Value::of(event_source(object)),
        Value::of(trimmed(object.text_at({"message"}))),
        Value::of(object::human_age(first, now)),
        Value::of(count),
        text_cell(object, {"metadata", "name"}),
    };
}

Column hidden_name_column() {
    Column result = name_column();
    result.priority = 1;
    return result;
}

}  // namespace

ResourceType make_namespace_type() {
    ResourceType type = make_type("Namespace", "namespaces", "namespace");
    type.short_names = {"ns"};
    type.namespaced = false;
    // Namespaces are deleted one by one.
    type.verbs = {"create", "delete", "get", "list", "patch", "update", "watch"};
    type.subresources = {{.name = "finalize", .verbs = {"update"}}, status_subresource()};
    type.name_rule = NameRule::dns_label;
    type.selectable_fields = {"status.phase"};
    type.columns = {name_column(), column("Status", "The status of the namespace"), age_column()};
    type.cells = namespace_cells;
    type.apply_defaults = default_namespace;
    type.prepare_create = prepare_namespace;
    type.prepare_update = prepare_namespace_update;
    type.validate = validate_namespace;
    type.validate_update = validate_namespace_update;
    return type;
}

ResourceType make_service_account_type() {
    ResourceType type = make_type("ServiceAccount", "serviceaccounts", "serviceaccount");
    type.short_names = {"sa"};
    type.subresources = {{
        .name = "token",
        .group = "authentication.k8s.io",
        .version = "v1",
        .kind = "TokenRequest",
        .verbs = {"create"},
    }};
    type.columns = {name_column(), age_column()};
    type.cells = service_account_cells;
    type.answers_deleted = true;
    return type;
}

ResourceType make_lease_type() {
    ResourceType type = make_type("Lease", "leases", "lease");
    type.group = "coordination.k8s.io";
    type.allow_unconditional_update = false;
    type.allow_create_on_update = true;
    type.columns = {name_column(), column("Holder", "Who holds the lease."), age_column()};
    type.cells = lease_cells;
    type.validate = validate_lease;
    return type;
}

ResourceType make_event_type() {
    ResourceType type = make_type("Event", "events", "event");
    type.short_names = {"ev"};
    type.allow_create_on_update = true;
    type.selectable_fields = {
        "involvedObject.apiVersion",
        "involvedObject.fieldPath",
        "involvedObject.kind",
        "involvedObject.name",
        "involvedObject.namespace",
        "involvedObject.resourceVersion",
        "involvedObject.uid",
        "reason",
        "reportingComponent",
        "source",
        "type",
    };
    type.columns = {
        column("Last Seen", "Time of the last occurrence."),
        column("Type", "Type of this event (Normal, Warning)."),
        column("Reason", "Why the action was taken, for machines."),
        column("Object", "The object that this event is about."),
        wide_column("Subobject", "The part of the object that this event is about."),
        wide_column("Source", "The component that reports this event."),
        column("Message", "What happened, for people."),
        wide_column("First Seen", "Time of the first occurrence."),
        wide_column("Count", "How often this event occurred."),
        hidden_name_column(),
    };
    type.cells = event_cells;
    type.validate = validate_event;
    return type;
}

}  // namespace farhold::kubeschema
