// SPDX-License-Identifier: Apache-2.0
#include "common/kubeapi/initial_list.hpp"

#include "common/object/metadata.hpp"

namespace farhold::kubeapi {

namespace {

bool is_end(const json::Value& bookmark) {
    return bookmark.text_at({"metadata", "annotations", "k8s.io/initial-events-end"}) == "true";
}

}  // namespace

InitialList::InitialList(std::function<ObjectPtr(ObjectPtr object)> on_read)
    : on_read_(std::move(on_read)) {}

Result<bool> InitialList::take(WatchEvent event) {
    const json::Value& object = *event.object;
    if (event.type == WatchEvent::Type::bookmark) {
        if (!is_end(object)) {
            return fail(ErrorCode::unsupported, "watch: a bookmark before the list's end");
        }
        list_.resource_version = object.text_at({"metadata", "resourceVersion"});
        return true;
    }
    Name name(object::ns(object), object::name(object));
    if (event.type == WatchEvent::Type::deleted) {
        if (places_.contains(name)) deleted_.insert_or_assign(std::move(name), std::move(event));
        return false;
    }
    deleted_.erase(name);
    const auto [place, is_new] = places_.try_emplace(std::move(name), list_.items.size());
    if (is_new) list_.items.emplace_back();
    list_.items[place->second] = on_read_ ? on_read_(std::move(event.object)) : event.object;
    return false;
}

InitialList::Whole InitialList::finish() {
    Whole whole{std::move(list_), {}};
    for (auto& [name, event] : deleted_) whole.deleted.push_back(std::move(event));
    return whole;
}

}  // namespace farhold::kubeapi
