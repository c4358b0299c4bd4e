// SPDX-License-Identifier: Apache-2.0
#include "common/kubeapi/named_objects.hpp"

#include "common/object/metadata.hpp"

#include <utility>

namespace farhold::kubeapi {

NamedObjects::NamedObjects(Changed on_changed, Removed on_removed)
    : on_changed_(std::move(on_changed)), on_removed_(std::move(on_removed)) {}

void NamedObjects::replaced(const std::vector<ObjectPtr>& objects) {
    std::set<std::string> present;
    for (const ObjectPtr& object : objects) {
        present.emplace(object::name(*object));
        changed(object);
    }
    for (const std::string& name : known_) {
        if (!present.contains(name)) on_removed_(name);
    }
    known_ = std::move(present);
}

void NamedObjects::changed(const ObjectPtr& object) {
    std::string name(object::name(*object));
    on_changed_(name, object);
    known_.insert(std::move(name));
}

void NamedObjects::removed(const ObjectPtr& object) {
    std::string name(object::name(*object));
    known_.erase(name);
    on_removed_(name);
}

}  // namespace farhold::kubeapi
