// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/registry.hpp"

#include <algorithm>
#include <utility>

namespace farhold::kubeschema {

const Subresource* ResourceType::find_subresource(std::string_view name) const {
    const auto found = std::ranges::find(subresources, name, &Subresource::name);
    return found != subresources.end() ? &*found : nullptr;
}

bool ResourceType::has_verb(std::string_view verb) const {
    return std::ranges::find(verbs, verb) != verbs.end();
}

ResourceTypePtr Registry::find(
    std::string_view group, std::string_view version, std::string_view plural
) const {
    const auto found = std::ranges::find_if(types_, [&](const ResourceTypePtr& type) {
        return type->group == group && type->version == version && type->plural == plural;
    });
    return found != types_.end() ? *found : nullptr;
}

ResourceTypePtr Registry::find_kind(
    std::string_view group, std::string_view version, std::string_view kind
) const {
    const auto found = std::ranges::find_if(types_, [&](const ResourceTypePtr& type) {
        return type->group == group && type->version == version && type->kind == kind;
    });
    return found != types_.end() ? *found : nullptr;
}

void Registry::add(ResourceType type) {
    for (const auto& [resource, rule] : reference_rules_) {
        if (resource == type.qualified_plural()) {
            type.check_references = rule;
        }
    }
    auto entry = std::make_shared<const ResourceType>(std::move(type));
    const auto found = std::ranges::find_if(types_, [&](const ResourceTypePtr& other) {
        return other->group == entry->group && other->version == entry->version &&
               other->plural == entry->plural;
    });
    if (found != types_.end()) {
        *found = std::move(entry);
    } else {
        types_.push_back(std::move(entry));
    }
}

bool Registry::remove(std::string_view group, std::string_view version, std::string_view plural) {
    return std::erase_if(types_, [&](const ResourceTypePtr& type) {
               return type->group == group && type->version == version && type->plural == plural;
           }) > 0;
}

void Registry::set_reference_rule(std::string qualified_plural, ReferenceRule rule) {
    reference_rules_.emplace_back(std::move(qualified_plural), std::move(rule));
}

void Registry::replace_custom(
    std::string_view group, std::string_view plural, std::vector<ResourceType> versions
) {
    std::erase_if(types_, [&](const ResourceTypePtr& type) {
        return type->is_custom && type->group == group && type->plural == plural;
    });
    for (ResourceType& version : versions) {
        add(std::move(version));
    }
}

}  // namespace farhold::kubeschema
