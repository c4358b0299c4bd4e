// SPDX-License-Identifier: Apache-2.0
//
// A handler for cluster-scoped objects that only wants to know what changed: a list that lacks a name
// is told as that name's removal.
#pragma once

#include "common/kubeapi/informer.hpp"

#include <functional>
#include <set>
#include <string>

namespace farhold::kubeapi {

class NamedObjects final : public ObjectHandler {
public:
    using Changed = std::function<void(const std::string& name, const ObjectPtr& object)>;
    using Removed = std::function<void(const std::string& name)>;

    NamedObjects(Changed on_changed, Removed on_removed);

    void replaced(const std::vector<ObjectPtr>& objects) override;
    void changed(const ObjectPtr& object) override;
    void removed(const ObjectPtr& object) override;

private:
    Changed on_changed_;
    Removed on_removed_;
    std::set<std::string> known_;
};

}  // namespace farhold::kubeapi
