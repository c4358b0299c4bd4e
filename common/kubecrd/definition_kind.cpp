// SPDX-License-Identifier: Apache-2.0
#include "common/kubecrd/definition.hpp"
#include "common/kubecrd/definition_rules.hpp"
#include "common/kubecrd/definition_status.hpp"
#include "common/kubeschema/kinds.hpp"
#include "common/object/metadata.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace farhold::kubecrd {
namespace {

using json::Value;
using kubeschema::Cells;
using kubeschema::Part;
using kubeschema::ResourceType;

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
}

void apply_definition_defaults(Value& object) {
    Value& names = object.ensure_path({"spec", "names"});
    const std::string kind(names.text_at({"kind"}));
    if (names.text_at({"singular"}).empty()) {
        names.set("singular", Value::of(lower(kind)));
    }
    if (names.text_at({"listKind"}).empty() && !kind.empty()) {
        names.set("listKind", Value::of(kind + "List"));
    }
    Value& spec = object.ensure_path({"spec"});
    kubeschema::set_default(
        spec, "conversion", Value::make_object({{"strategy", Value::of("None")}})
    );
}

// Adds the version in which objects are stored to those that ever were it.
void remember_stored_version(Value& object) {
    for (const Value& version : object.elements_at({"spec", "versions"})) {
        if (!version.bool_at({"storage"})) {
            continue;
        }
        Value& stored = object.ensure_path({"status"})["storedVersions"];
        if (!stored.is_array()) {
            stored = Value::make_array();
        }
        const Value name = Value::of(version.text_at({"name"}));
        if (std::ranges::find(stored.array(), name) == stored.array().end()) {
            stored.push_back(name);
        }
        return;
    }
}

void prepare_definition(Value& object) {
    Value names = Value::make_object();
    names.set("plural", Value::of(""));
    names.set("kind", Value::of(""));
    Value status = Value::make_object();
    status.set("conditions", Value());
    status.set("acceptedNames", std::move(names));
    status.set("storedVersions", Value());
    object.set("status", std::move(status));
    remember_stored_version(object);
}

void prepare_definition_update(Value& updated, const Value& /*current*/, Part part) {
    if (part == Part::main) {
        remember_stored_version(updated);
    }
}

void prepare_definition_deletion(Value& object, WallTime now) {
    Value& finalizers = object.ensure_path({"metadata"})["finalizers"];
    const Value cleanup = Value::of(kCleanup);
    if (!finalizers.is_array()) {
        finalizers = Value::make_array();
    }
    if (std::ranges::find(finalizers.array(), cleanup) == finalizers.array().end()) {
        finalizers.push_back(cleanup);
    }
    set_condition(
        object,
        {"Terminating", true, "InstanceDeletionPending",
         "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"},
        now
    );
}

Cells definition_cells(const Value& object, WallTime /*now*/) {
    return {
        Value::of(object::name(object)),
        Value::of(object::creation_timestamp(object)),
    };
}

}  // namespace

ResourceType make_definition_type() {
    ResourceType type = kubeschema::make_type(
        "CustomResourceDefinition", "customresourcedefinitions", "customresourcedefinition"
    );
    type.group = "apiextensions.k8s.io";
    type.namespaced = false;
    type.short_names = {"crd", "crds"};
    type.categories = {"api-extensions"};
    type.subresources = {kubeschema::status_subresource()};
    type.has_generation = true;
    type.status_takes_metadata = false;
    type.allow_unconditional_update = false;
    type.json_only = true;
    type.columns = {
        kubeschema::name_column(),
        {.name = "Created At", .type = "date", .description = "Time of its creation"},
    };
    type.cells = definition_cells;
    type.apply_defaults = apply_definition_defaults;
    type.prepare_create = prepare_definition;
    type.prepare_update = prepare_definition_update;
    type.validate = validate_definition;
    type.validate_update = [](const Value& updated, const Value& current, Part part,
                              kubeschema::FieldErrors& errors) {
        if (part == Part::main) {
            validate_definition_update(updated, current, errors);
        }
    };
    type.prepare_deletion = prepare_definition_deletion;
    return type;
}

}  // namespace farhold::kubecrd
