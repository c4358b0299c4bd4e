// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes objects in the few fields that views look at.
#pragma once

#include "cloudcore/views/node_views.hpp"
#include "common/json/value.hpp"

#include <fmt/format.h>

#include <string>

namespace farhold::test {

inline json::Value parse_object(const std::string& text) {
    return json::Value::parse(text).value();
}

inline json::Value plain(
    const std::string& kind, const std::string& name, const std::string& uid,
    const std::string& value = "v"
) {
    const std::string ns = kind == "Node" ? "" : R"("namespace":"default",)";
    return parse_object(fmt::format(
        R"({{"kind":"{}","metadata":{{{}"name":"{}","uid":"{}","resourceVersion":"7"}},)"
        R"("data":{{"key":"{}"}}}})",
        kind, ns, name, uid, value
    ));
}

inline json::Value pod(
    const std::string& name, const std::string& uid, const std::string& node,
    const std::string& more_spec = ""
) {
    return parse_object(fmt::format(
        R"({{"kind":"Pod","metadata":{{"namespace":"default","name":"{}","uid":"{}",)"
        R"("resourceVersion":"7"}},"spec":{{"nodeName":"{}"{}}}}})",
        name, uid, node, more_spec
    ));
}

// What is due does not exist.
inline views::ViewChanges answer_absent(views::NodeViews& views) {
    views::ViewChanges changes;
    while (const auto fetch = views.needed().take_due({})) {
        const views::ViewChanges more = views.absent(*fetch);
        changes.insert(changes.end(), more.begin(), more.end());
    }
    return changes;
}

}  // namespace farhold::test
