// SPDX-License-Identifier: Apache-2.0
//
// From a definition to entries of the registry.
#include "common/kubecrd/columns.hpp"
#include "common/kubecrd/definition.hpp"
#include "common/kubecrd/definition_status.hpp"
#include "common/kubecrd/schema.hpp"
#include "common/kubecrd/validate.hpp"
#include "common/kubecrd/versions.hpp"
#include "common/kubeschema/kinds.hpp"
#include "common/object/metadata.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace farhold::kubecrd {
namespace {

using json::Value;
using kubeschema::FieldErrors;
using kubeschema::ResourceType;

std::vector<std::string> texts_of(const Value& names, std::string_view key) {
    std::vector<std::string> texts;
    for (const Value& text : names.elements_at({key})) {
        texts.emplace_back(text.string().value_or(""));
    }
    return texts;
}

void set_names(ResourceType& type, const Value& definition, const Value& names) {
    type.group = definition.text_at({"spec", "group"});
    type.kind = names.text_at({"kind"});
    type.list_kind = names.text_at({"listKind"});
    type.plural = names.text_at({"plural"});
    type.singular = names.text_at({"singular"});
    type.short_names = texts_of(names, "shortNames");
    type.categories = texts_of(names, "categories");
    type.namespaced = definition.text_at({"spec", "scope"}) == "Namespaced";
}

void set_subresources(ResourceType& type, const Value& version) {
    if (version.at_path({"subresources", "status"}) != nullptr) {
        type.subresources.push_back(kubeschema::status_subresource());
    }
}

// Two walks less for objects without defaults and for fields that all are wanted.
void set_schema(ResourceType& type, const Value& version) {
    static const Value nothing = Value::make_object();
    const Value* document = version.at_path({"schema", "openAPIV3Schema"});
    const SchemaPtr schema = Schema::read(document != nullptr ? *document : nothing);
    type.prune = [schema](Value& object, std::vector<std::string>& unknown) {
        prune(object, *schema, unknown);
    };
    if (schema->has_defaults) {
        type.defaults_on_read = true;
        type.apply_defaults = [schema](Value& object) { apply_defaults(object, *schema); };
    }
    type.validate_create = [schema](const Value& object, FieldErrors& errors) {
        validate(object, nullptr, *schema, "", errors);
    };
    type.validate_update = [schema](
                               const Value& updated, const Value& current, kubeschema::Part part,
                               FieldErrors& errors
                           ) {
        const Schema* status = schema->find_property("status");
        const Value* value = updated.find("status");
        if (part == kubeschema::Part::main) {
            validate(updated, &current, *schema, "", errors);
        } else if (status != nullptr && value != nullptr) {
            // Its sentences name fields from there, as upstream's do.
            FieldErrors found;
            validate(*value, current.find("status"), *status, "", found);
            for (kubeschema::FieldError& error : found) {
                error.field = error.field.empty() ? "status" : "status." + error.field;
                errors.push_back(std::move(error));
            }
        }
    };
}

std::string stored_version(const Value& definition) {
    for (const Value& version : definition.elements_at({"spec", "versions"})) {
        if (version.bool_at({"storage"})) {
            return std::string(version.text_at({"name"}));
        }
    }
    return {};
}

}  // namespace

std::vector<ResourceType> resource_types(const json::Value& definition) {
    std::vector<ResourceType> types;
    const Value* names = definition.at_path({"status", "acceptedNames"});
    if (names == nullptr || !is_established(definition)) {
        return types;
    }
    for (const Value& version : definition.elements_at({"spec", "versions"})) {
        if (!version.bool_at({"served"})) {
            continue;
        }
        ResourceType type;
        set_names(type, definition, *names);
        type.version = version.text_at({"name"});
        // In the order in which a real server lists them.
        type.verbs = {"delete", "deletecollection", "get",    "list",
                      "patch",  "create",           "update", "watch"};
        type.is_custom = true;
        type.is_ending = object::condition_is_true(definition, "Terminating");
        type.json_only = true;
        type.stored_version = stored_version(definition);
        type.has_generation = true;
        type.generation_counts_all = true;
        type.status_takes_metadata = false;
        type.allow_unconditional_update = false;
        set_subresources(type, version);
        set_schema(type, version);
        set_columns(type, version);
        types.push_back(std::move(type));
    }
    std::ranges::sort(types, [](const ResourceType& a, const ResourceType& b) {
        return is_preferred(a.version, b.version);
    });
    return types;
}

}  // namespace farhold::kubecrd
