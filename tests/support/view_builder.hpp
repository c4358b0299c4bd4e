// SPDX-License-Identifier: Apache-2.0
//
// A cluster of a few objects, and node edge-1's view of it.
#pragma once

#include "cloudcore/hub/session_state.hpp"
#include "cloudcore/views/node_views.hpp"
#include "common/json/value.hpp"

#include <fmt/format.h>

#include <string>

namespace farhold::test {

inline const std::string kNode = "edge-1";

inline json::Value node_object(const std::string& uid = "node-uid") {
    return json::Value::parse(
               fmt::format(
                   R"({{"apiVersion":"v1","kind":"Node","metadata":{{"name":"{}","uid":"{}"}}}})",
                   kNode, uid
               )
    )
        .value();
}

// A Pod of edge-1 that mounts the ConfigMaps a and b.
inline json::Value pod_object(const std::string& name, const std::string& uid) {
    return json::Value::
        parse(fmt::format(
                  R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{}","namespace":"default",)"
                  R"("uid":"{}","resourceVersion":"9"}},"spec":{{"nodeName":"{}","containers":[],"volumes":[)"
                  R"({{"name":"a","configMap":{{"name":"a"}}}},{{"name":"b","configMap":{{"name":"b"}}}}]}}}})",
                  name, uid, kNode
              ))
            .value();
}

inline json::Value config_map(
    const std::string& name, const std::string& uid, const std::string& text
) {
    json::Value object =
        json::Value::parse(
            fmt::format(
                R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}","namespace":"default",)"
                R"("uid":"{}"}}}})",
                name, uid
            )
        )
            .value();
    object.ensure_path({"data"}).set("text", json::Value::of(text));
    return object;
}

class Cluster final : public hub::ViewAccess {
public:
    bool ready() const override { return is_ready; }
    const views::NodeView& view() const override { return views.view(kNode); }
    bool may_remove_surplus(std::string_view held_node_uid) override {
        asked_about = held_node_uid;
        return may_remove;
    }

    bool is_ready = true;
    bool may_remove = true;
    std::string asked_about;
    mutable views::NodeViews views;
};

}  // namespace farhold::test
