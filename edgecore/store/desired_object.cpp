// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/desired_object.hpp"

#include <utility>

namespace farhold::store {

json::Value desired_object(const DesiredRow& row) {
    auto object = json::Value::parse(*row.content);
    if (!object) return {};
    object->ensure_path({"metadata"}).set("uid", json::Value::of(row.uid));
    return std::move(*object);
}

}  // namespace farhold::store
