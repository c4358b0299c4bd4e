// SPDX-License-Identifier: Apache-2.0
//
// Pure: what a machine's report makes of an object in Kubernetes, and whether it may.
//
// Writes are guarded twice: by the object's uid and resourceVersion, and by a mark that each write
// leaves in the object, "<epoch>.<ordinal>" of the report. A hub that lost a node to another one
// without knowing it finds a newer epoch there and stops; a report that comes late finds a newer
// ordinal and is passed over.
#pragma once

#include "cloudcore/views/node_views.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/json/value.hpp"
#include "common/tunnel/messages.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace farhold::hub {

struct ReportMark {
    std::uint64_t epoch = 0;
    std::uint64_t ordinal = 0;

    static std::optional<ReportMark> parse(std::string_view text);
    [[nodiscard]] std::string text() const;

    auto operator<=>(const ReportMark&) const = default;
};

// Where an API server finds the kubelet of all machines.
struct KubeletEndpoint {
    std::string address;
    std::uint16_t port = 0;
};

// What a report is about, by its key.
struct ReportTarget {
    enum class Kind : std::uint8_t {
        pod_status,
        node_status,
        pod_gone,
        event,
        device_status,  // Of the DeviceStatus of a Device of that name.
        device_state,   // Of the Device itself.
    };
    Kind kind = Kind::pod_status;
    std::string ns;
    std::string name;
    // Of node_status, where there is one: written into the status in place of the machine's.
    std::optional<KubeletEndpoint> kubelet = {};

    static Result<ReportTarget> parse(const tunnel::Report& report);
};

// Kubernetes must never get this report; the reason is for the log and for the machine.
struct Refuse {
    std::string reason;
    bool gone = false;  // What it is about is not there any more.
};
// A merge patch of the status subresource; of devices, which have none, of the object.
struct WriteStatus {
    json::Value patch;
};
// Delete the pod with grace 0 and its uid as precondition.
struct DeletePod {
    std::string uid;
};
struct CreateObject {
    json::Value object;
};
// It belongs to a Device that is gone; its place is needed.
struct RemoveObject {
    std::string uid;
};
// Kubernetes has it already.
struct NothingToDo {};
struct Superseded {};
struct Fenced {
    std::uint64_t epoch = 0;  // In the object.
};
using WriteDecision = std::variant<
    Refuse, WriteStatus, DeletePod, CreateObject, RemoveObject, NothingToDo, Superseded, Fenced>;

// Of pod_status, node_status and pod_gone. `current` is the object in Kubernetes, nullptr when there
// is none; `node` is who sends, as its certificate says.
WriteDecision decide_write(
    const std::string& node, const ReportTarget& target, const tunnel::Report& report,
    ReportMark mark, const json::Value* current, WallTime now
);

// Of device_status and device_state; the Device is in the node's view. `current` is the DeviceStatus or
// the Device. The node that a mark belongs to stands beside it, since a Device may move.
WriteDecision decide_device_write(
    const std::string& node, const ReportTarget& target, const tunnel::Report& report,
    ReportMark mark, const json::Value* current, WallTime now
);

// The Event to create: the node's own words about itself or one of its pods, and nothing else.
// not_found: the node has no such pod, any more or at all.
Result<json::Value> make_reported_event(
    const std::string& node, const ReportTarget& target, const tunnel::Report& report,
    const views::NodeView& view
);

}  // namespace farhold::hub
