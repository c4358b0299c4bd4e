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

// A Pod of edge-1 with two tokens: for the API, and for "vault".
inline json::Value token_pod(const std::string& node = kNode) {
    return json::Value::
        parse(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"t","namespace":"default",)"
              R"("uid":"token-uid"},"spec":{"serviceAccountName":"robot","containers":[],"nodeName":")" +
              node +
              R"(","volumes":[{"name":"e","emptyDir":{}},{"name":"v","projected":{"sources":[)"
              R"({"serviceAccountToken":{"path":"token","expirationSeconds":3607}},)"
              R"({"serviceAccountToken":{"path":"vault","audience":"vault"}}]}}]}})")
            .value();
}

inline tunnel::TokenRequest token_request(std::uint64_t id) {
    return {
        .id = id,
        .wish =
            {
                .ns = "default",
                .pod = "t",
                .pod_uid = "token-uid",
                .service_account = "robot",
                .audience = {},
                .expiration_seconds = 3607,
            },
    };
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

// What Pods refer to and has not been put does not exist.
inline views::ViewChanges put(views::NodeViews& views, const json::Value& object) {
    views::ViewChanges changes = views.upsert(object);
    while (const auto fetch = views.needed().take_due({})) {
        const views::ViewChanges more = views.absent(*fetch);
        changes.insert(changes.end(), more.begin(), more.end());
    }
    return changes;
}

class Cluster final : public hub::ViewAccess {
public:
    bool ready() const override { return is_ready; }
    const views::NodeView& view() const override { return views.view(kNode); }
    bool may_remove_surplus(std::string_view held_node_uid, std::size_t /*objects*/) override {
        asked_about = held_node_uid;
        return may_remove;
    }

    bool is_ready = true;
    bool may_remove = true;
    std::string asked_about;
    mutable views::NodeViews views;
};

}  // namespace farhold::test
