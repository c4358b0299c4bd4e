// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/stored_text.hpp"

#include "common/base/ensure.hpp"
#include "common/kubeschema/writes.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::kuberest {

json::Value parse_stored(const std::string& text) {
    Result<json::Value> object = json::Value::parse(text);
    ensure(object.has_value(), "a stored object is not JSON");
    return std::move(*object);
}

json::Value parse_stored(const kubeschema::ResourceType& type, const std::string& text) {
    json::Value object = parse_stored(text);
    if (type.is_custom) {
        object.set("apiVersion", json::Value::of(type.group_version()));
    }
    if (type.defaults_on_read) {
        kubeschema::apply_defaults(type, object);
    }
    return object;
}

std::string served_text(const kubeschema::ResourceType& type, const std::string& text) {
    const bool as_stored =
        !type.is_custom || (!type.defaults_on_read && text.starts_with(text_head(type)));
    return as_stored ? text : parse_stored(type, text).dump();
}

std::string text_head(const kubeschema::ResourceType& type) {
    return fmt::format(
        R"({{"kind":{},"apiVersion":{},)", json::Value::of(type.kind).dump(),
        json::Value::of(type.group_version()).dump()
    );
}

void set_revision(json::Value& object, kubestore::Revision revision) {
    object.ensure_path({"metadata", "resourceVersion"}) = json::Value::of(std::to_string(revision));
}

}  // namespace farhold::kuberest
