// SPDX-License-Identifier: Apache-2.0
//
// Pure: Kubernetes Events about the machine itself, as a report to the hub.
#pragma once

#include "common/base/time.hpp"

#include <string>
#include <string_view>

namespace farhold::node {

struct NodeEvent {
    std::string_view reason;
    std::string message;
    bool warning = true;
};

struct EventReport {
    std::string key;
    std::string body;
};

EventReport make_event_report(const std::string& node, NodeEvent event, WallTime now);

}  // namespace farhold::node
