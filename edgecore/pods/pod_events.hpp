// SPDX-License-Identifier: Apache-2.0
//
// Pure: a pod's happenings as Kubernetes Events. Repetitions count up one Event under its first name
// instead of making new ones, and are reported at growing distances; events are best effort.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"
#include "edgecore/pods/pod_lifecycle.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace farhold::pods {

struct EventReport {
    std::string name;  // Of the Event.
    json::Value body;
};

class EventRecorder {
public:
    EventRecorder(PodIdentity pod, std::string node_name);

    // Nothing while a repetition is not worth a report yet.
    std::optional<EventReport> record(const PodEvent& event, Now now);

private:
    struct Known {
        std::string name;
        std::uint64_t count = 0;
        std::uint64_t reported = 0;
        Instant reported_at;
        WallTime first;
    };

    PodIdentity pod_;
    std::string node_name_;
    std::map<std::string, Known> known_;
};

}  // namespace farhold::pods
