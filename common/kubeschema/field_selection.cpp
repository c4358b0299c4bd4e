// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/field_selection.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace farhold::kubeschema {
namespace {

// "source" of an Event means its component; all other paths are what they say.
std::string field_text(const ResourceType& type, const json::Value& object, std::string_view path) {
    if (path == "source" && type.kind == "Event") {
        path = "source.component";
    }
    const json::Value* value = &object;
    while (value != nullptr && !path.empty()) {
        const auto dot = std::min(path.find('.'), path.size());
        value = value->find(path.substr(0, dot));
        path.remove_prefix(std::min(dot + 1, path.size()));
    }
    if (value == nullptr) {
        return {};
    }
    if (const auto text = value->string()) {
        return std::string(*text);
    }
    return value->is_number() || value->is_bool() ? value->dump() : std::string();
}

// Booleans that are false are mostly absent, but their text is "false".
constexpr std::string_view kBooleans[] = {"spec.unschedulable", "spec.hostNetwork"};

}  // namespace

Result<void> check_field_selector(const ResourceType& type, const object::FieldSelector& selector) {
    for (const auto& requirement : selector.requirements()) {
        const std::string& path = requirement.path;
        if (path == "metadata.name" || (path == "metadata.namespace" && type.namespaced) ||
            std::ranges::find(type.selectable_fields, path) != type.selectable_fields.end()) {
            continue;
        }
        return fail(
            ErrorCode::invalid_argument,
            type.selectable_fields.empty()
                ? fmt::format(
                      "\"{}\" is not a known field selector: only \"metadata.name\", "
                      "\"metadata.namespace\"",
                      path
                  )
                : fmt::format("field label not supported: {}", path)
        );
    }
    return {};
}

bool matches_field_selector(
    const ResourceType& type, const object::FieldSelector& selector, const json::Value& object
) {
    return selector.matches([&](std::string_view path) {
        std::string text = field_text(type, object, path);
        if (text.empty() && std::ranges::find(kBooleans, path) != std::end(kBooleans)) {
            return std::string("false");
        }
        return text;
    });
}

}  // namespace farhold::kubeschema
