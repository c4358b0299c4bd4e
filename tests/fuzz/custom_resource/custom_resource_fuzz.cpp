// SPDX-License-Identifier: Apache-2.0
//
// A line each: a CustomResourceDefinition or its schema alone, an object of it, the same object as it
// was before. What is pruned and filled in once stays as it is, and what did not change is tolerated.
#include "common/base/ensure.hpp"
#include "common/kubecrd/definition.hpp"
#include "common/kubecrd/definition_status.hpp"
#include "common/kubecrd/json_path.hpp"
#include "common/kubeschema/registry.hpp"
#include "common/kubeschema/writes.hpp"
#include "tests/support/fuzz_input.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace farhold;
using json::Value;
using kubeschema::FieldErrors;
using kubeschema::ResourceType;

namespace {

Value definition_of(Value schema) {
    Value definition = Value::parse(R"({
        "metadata": {"name": "parts.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "parts", "singular": "part", "kind": "Part", "listKind": "PartList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {}}]
        }
    })")
                           .value();
    Value& version = definition.ensure_path({"spec"})["versions"].array()[0];
    version["schema"].set("openAPIV3Schema", std::move(schema));
    return definition;
}

// The types of a definition that is taken.
std::vector<ResourceType> types_of(Value definition) {
    static const ResourceType type = kubecrd::make_definition_type();
    static const auto registry = kubeschema::Registry::built_in();
    std::vector<std::string> unknown;
    if (!kubeschema::conform(type, definition, unknown)) {
        return {};
    }
    kubeschema::apply_defaults(type, definition);
    kubeschema::prepare_create(type, definition);
    if (!kubeschema::validate_create(type, definition).empty()) {
        return {};
    }
    (void)type.cells(definition, {});
    kubecrd::accept_names(definition, registry, {});
    kubecrd::establish(definition, {});
    return kubecrd::resource_types(definition);
}

void write(const ResourceType& type, Value object, const Value& before) {
    std::vector<std::string> removed;
    type.prune(object, removed);
    Value again = object;
    removed.clear();
    type.prune(again, removed);
    ensure(removed.empty() && again == object, "what was pruned has nothing more to lose");
    if (type.apply_defaults) {
        type.apply_defaults(object);
        again = object;
        type.apply_defaults(again);
        ensure(again == object, "what was filled in is complete");
    }
    FieldErrors errors;
    type.validate_create(object, errors);
    for (const kubeschema::FieldError& error : errors) {
        ensure(Value::parse(Value::of(error.text()).dump()).has_value(), "a complaint is text");
    }
    errors.clear();
    type.validate_update(object, before, kubeschema::Part::main, errors);
    errors.clear();
    type.validate_update(object, object, kubeschema::Part::main, errors);
    ensure(errors.empty(), "what did not change is tolerated");
    if (object.is_object()) {
        const auto cells = type.cells(object, {});
        ensure(cells.size() == type.columns.size(), "a cell for every column");
    }
}

void read_path(std::string_view text, const Value& object) {
    if (const auto path = kubecrd::JsonPath::parse(text)) {
        const auto found = path->find(object);
        ensure(path->first(object) == (found.empty() ? nullptr : found.front()), "first of them");
        ensure(!path->only_names() || found.size() <= 1, "names alone lead to one place");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    const std::string_view first = in.line();
    const auto object = Value::parse(in.line());
    if (!object) {
        return 0;
    }
    if (first.starts_with('.')) {
        read_path(first, *object);
        return 0;
    }
    auto definition = Value::parse(first);
    if (!definition || !definition->is_object()) {
        return 0;
    }
    if (definition->find("spec") == nullptr) {
        *definition = definition_of(std::move(*definition));
    }
    const Value before = Value::parse(in.rest()).value_or(Value());
    for (const ResourceType& type : types_of(std::move(*definition))) {
        write(type, *object, before);
    }
    return 0;
}
