// SPDX-License-Identifier: Apache-2.0
//
// After apiextensions-apiserver/pkg/controller/status/naming_controller.go.
#include "common/kubecrd/definition_status.hpp"

#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace farhold::kubecrd {
namespace {

using json::Value;
using kubeschema::Registry;

struct Taken {
    std::set<std::string, std::less<>> resources;
    std::set<std::string, std::less<>> kinds;
};

Taken taken_by_others(const Value& definition, const Registry& registry) {
    Taken taken;
    const std::string_view group = definition.text_at({"spec", "group"});
    for (const kubeschema::ResourceTypePtr& type : registry.all()) {
        if (type->group != group || type->qualified_plural() == object::name(definition)) {
            continue;
        }
        taken.resources.insert({type->plural, type->singular});
        taken.resources.insert(type->short_names.begin(), type->short_names.end());
        taken.kinds.insert({type->kind, type->list_kind});
    }
    return taken;
}

void complain(Value& definition, std::string_view reason, std::string_view name, WallTime now) {
    const std::string message = fmt::format("\"{}\" is already in use", name);
    set_condition(definition, {"NamesAccepted", false, reason, message}, now);
}

// One name, taken over into `accepted` when nobody else has it.
bool accept(
    const Value& wanted, Value& accepted, std::string_view field,
    const std::set<std::string, std::less<>>& taken
) {
    const std::string_view name = wanted.text_at({field});
    if (!name.empty() && taken.contains(name)) {
        return false;
    }
    if (!name.empty()) {
        accepted.set(field, Value::of(name));
    } else {
        accepted.erase(field);
    }
    return true;
}

}  // namespace

void set_condition(json::Value& definition, const Condition& condition, WallTime now) {
    Value& conditions = definition.ensure_path({"status"})["conditions"];
    if (!conditions.is_array()) {
        conditions = Value::make_array();
    }
    const std::string_view status = condition.status ? "True" : "False";
    Value* entry = nullptr;
    for (Value& other : conditions.array()) {
        if (other.text_at({"type"}) == condition.type) {
            entry = &other;
        }
    }
    if (entry == nullptr) {
        entry = &conditions.push_back(Value::make_object());
        entry->set("type", Value::of(condition.type));
    }
    if (entry->text_at({"status"}) != status) {
        entry->set("lastTransitionTime", Value::of(object::format_time(now)));
    }
    entry->set("status", Value::of(status));
    entry->set("reason", Value::of(condition.reason));
    entry->set("message", Value::of(condition.message));
}

void accept_names(json::Value& definition, const Registry& registry, WallTime now) {
    const Taken taken = taken_by_others(definition, registry);
    const Value wanted = *definition.at_path({"spec", "names"});
    Value accepted = Value::make_object();
    if (const Value* before = definition.at_path({"status", "acceptedNames"})) {
        accepted = *before;
    }
    set_condition(definition, {"NamesAccepted", true, "NoConflicts", "no conflicts found"}, now);
    const auto try_name = [&](std::string_view field, std::string_view reason,
                              const std::set<std::string, std::less<>>& names) {
        if (!accept(wanted, accepted, field, names)) {
            complain(definition, reason, wanted.text_at({field}), now);
        }
    };
    try_name("plural", "PluralConflict", taken.resources);
    try_name("singular", "SingularConflict", taken.resources);
    const auto in_use = [&taken](const Value& name) {
        return taken.resources.contains(name.string().value_or(""));
    };
    const json::Array& short_names = wanted.elements_at({"shortNames"});
    if (const auto other = std::ranges::find_if(short_names, in_use); other != short_names.end()) {
        complain(definition, "ShortNamesConflict", other->string().value_or(""), now);
    } else if (const Value* names = wanted.find("shortNames")) {
        accepted.set("shortNames", *names);
    } else {
        accepted.erase("shortNames");
    }
    try_name("kind", "KindConflict", taken.kinds);
    try_name("listKind", "ListKindConflict", taken.kinds);
    if (const Value* categories = wanted.find("categories")) {
        accepted.set("categories", *categories);
    } else {
        accepted.erase("categories");
    }
    definition.ensure_path({"status"}).set("acceptedNames", std::move(accepted));
    if (is_established(definition)) {
        return;
    }
    if (object::condition_is_true(definition, "NamesAccepted")) {
        set_condition(
            definition,
            {"Established", false, "Installing", "the initial names have been accepted"}, now
        );
    } else {
        set_condition(
            definition, {"Established", false, "NotAccepted", "not all names are accepted"}, now
        );
    }
}

void establish(json::Value& definition, WallTime now) {
    if (object::condition_is_true(definition, "NamesAccepted") && !is_established(definition)) {
        set_condition(
            definition,
            {"Established", true, "InitialNamesAccepted", "the initial names have been accepted"},
            now
        );
    }
}

bool is_established(const json::Value& definition) {
    return object::condition_is_true(definition, "Established");
}

}  // namespace farhold::kubecrd
