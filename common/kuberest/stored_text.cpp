// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/stored_text.hpp"

#include "common/base/ensure.hpp"

#include <utility>

namespace farhold::kuberest {

json::Value parse_stored(const std::string& text) {
    Result<json::Value> object = json::Value::parse(text);
    ensure(object.has_value(), "a stored object is not JSON");
    return std::move(*object);
}

void set_revision(json::Value& object, kubestore::Revision revision) {
    object.ensure_path({"metadata", "resourceVersion"}) = json::Value::of(std::to_string(revision));
}

}  // namespace farhold::kuberest
