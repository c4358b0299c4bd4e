// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/listed_object.hpp"

#include "common/object/metadata.hpp"

namespace farhold::views {

std::shared_ptr<const json::Value> with_kind(
    const std::shared_ptr<const json::Value>& object, std::string_view kind
) {
    if (object::kind(*object) == kind || !object->is_object()) {
        return object;
    }
    json::Value named = json::Value::make_object(
        {{"kind", json::Value::of(kind)}, {"apiVersion", json::Value::of("v1")}}
    );
    for (const json::Member& member : object->object()) {
        if (member.key != "kind" && member.key != "apiVersion") {
            named.object().push_back(member);
        }
    }
    return std::make_shared<const json::Value>(std::move(named));
}

json::Value identity_of(const json::Value& object, std::string_view kind) {
    json::Value metadata = json::Value::make_object();
    if (!object::ns(object).empty()) {
        metadata.set("namespace", json::Value::of(object::ns(object)));
    }
    metadata.set("name", json::Value::of(object::name(object)));
    metadata.set("uid", json::Value::of(object::uid(object)));
    metadata.set("resourceVersion", json::Value::of(object::resource_version(object)));
    return json::Value::make_object(
        {{"kind", json::Value::of(kind)}, {"metadata", std::move(metadata)}}
    );
}

}  // namespace farhold::views
