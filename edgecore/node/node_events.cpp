// SPDX-License-Identifier: Apache-2.0
#include "edgecore/node/node_events.hpp"

#include "common/json/value.hpp"
#include "common/kubeapi/event_record.hpp"

#include <utility>

namespace farhold::node {

EventReport make_event_report(const std::string& node, NodeEvent event, WallTime now) {
    using json::Value;
    // Kubelet, too, gives the node's name for its uid.
    Value involved = Value::make_object({
        {"kind", Value::of("Node")},
        {"name", Value::of(node)},
        {"uid", Value::of(node)},
    });
    const Value body = kubeapi::make_event(
        std::move(involved), event.warning ? "Warning" : "Normal", event.reason,
        std::move(event.message), "edgecore", now
    );
    std::string key = "Event/default/";
    key += body.text_at({"metadata", "name"});
    return {.key = std::move(key), .body = body.dump()};
}

}  // namespace farhold::node
