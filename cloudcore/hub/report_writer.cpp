// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/report_writer.hpp"

#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"
#include "common/tunnel/content.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

namespace farhold::hub {
namespace {

using json::Value;

constexpr json::ParseLimits kBodyLimits{.bytes = tunnel::kReportBytesMax, .depth = 32};

// Members of the status that belong to the control plane; a machine that leaves them out keeps them.
constexpr std::array<std::string_view, 5> kPodMembersOfOthers = {
    "startTime", "qosClass", "nominatedNodeName", "resourceClaimStatuses", "resize",
};
constexpr std::array<std::string_view, 2> kNodeMembersOfOthers = {"volumesAttached", "config"};

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

Result<Value> parse_body(const tunnel::Report& report) {
    auto body = Value::parse(report.body, kBodyLimits);
    if (!body) {
        return fail(body.error().within("body"));
    }
    if (!body->is_object()) {
        return fail(ErrorCode::invalid_argument, "body: not an object");
    }
    return body;
}

// Since when a condition is as it is: the cluster's word while nothing changed; and a change is not
// older than what it changes, else it was made while the control plane spoke for the machine.
void settle_transition_time(Value& reported, const Value& known, WallTime now) {
    const std::string_view since = known.text_at({"lastTransitionTime"});
    if (since.empty()) {
        return;
    }
    if (reported.text_at({"status"}) == known.text_at({"status"})) {
        reported.set("lastTransitionTime", Value::of(since));
    } else if (reported.text_at({"lastTransitionTime"}) <= since) {
        reported.set("lastTransitionTime", Value::of(object::format_time(now)));
    }
}

// The reported conditions, and those of other types, which somebody else keeps there.
void merge_conditions(Value& status, const Value& current, WallTime now) {
    const Value* known = current.at_path({"status", "conditions"});
    if (known == nullptr || !known->is_array()) {
        return;
    }
    Value* reported = status.find("conditions");
    if (reported == nullptr || !reported->is_array()) {
        reported = &status.set("conditions", Value::make_array());
    }
    for (const Value& condition : known->array()) {
        const std::string_view type = condition.text_at({"type"});
        const auto same = std::ranges::find_if(reported->array(), [&](const Value& one) {
            return one.text_at({"type"}) == type;
        });
        if (same == reported->array().end()) {
            reported->push_back(condition);
        } else if (same->is_object()) {
            settle_transition_time(*same, condition, now);
        }
    }
}

void keep_members(Value& status, const Value& current, std::span<const std::string_view> members) {
    for (const std::string_view member : members) {
        const Value* known = current.at_path({"status", member});
        if (known != nullptr && status.find(member) == nullptr) {
            status.set(member, *known);
        }
    }
}

// The merge patch (RFC 7386) that makes `from` into `to`. Null members of `to` count as absent.
Value make_merge_patch(const Value& from, const Value& to) {
    Value patch = Value::make_object();
    for (const json::Member& member : from.object()) {
        const Value* wanted = to.find(member.key);
        if ((wanted == nullptr || wanted->is_null()) && !member.value.is_null()) {
            patch.set(member.key, Value());
        }
    }
    for (const json::Member& member : to.object()) {
        const Value* known = from.find(member.key);
        if (member.value.is_null() || (known != nullptr && *known == member.value)) {
            continue;
        }
        if (known != nullptr && known->is_object() && member.value.is_object()) {
            patch.set(member.key, make_merge_patch(*known, member.value));
        } else {
            patch.set(member.key, member.value);
        }
    }
    return patch;
}

ReportMark mark_of(const Value& object) {
    const auto text = object::annotation(object, tunnel::kReportAnnotation);
    return text ? ReportMark::parse(*text).value_or(ReportMark{}) : ReportMark{};
}

// The API server takes the first address of the type that it prefers, InternalIP with most. So ours
// comes before the machine's, and the machine's name, which would go before both and leads nowhere, is
// left out.
void lead_to_kubelet(Value& status, const KubeletEndpoint& kubelet) {
    Value addresses = Value::make_array();
    addresses.push_back(Value::make_object({
        {"type", Value::of("InternalIP")},
        {"address", Value::of(kubelet.address)},
    }));
    for (const Value& address : status.elements_at({"addresses"})) {
        const bool is_same = address.text_at({"address"}) == kubelet.address;
        if (address.text_at({"type"}) != "Hostname" && !is_same) addresses.push_back(address);
    }
    status.set("addresses", std::move(addresses));
    status.ensure_path({"daemonEndpoints", "kubeletEndpoint"})
        .set("Port", Value::of(std::int64_t{kubelet.port}));
}

// What metrics-server asks at the kubelet's address instead of /metrics/resource.
constexpr std::string_view kMetricsPath = "metrics.k8s.io/resource-metrics-path";

WriteDecision decide_status(
    const ReportTarget& target, Value status, ReportMark mark, const Value& current, WallTime now
) {
    const ReportMark known = mark_of(current);
    if (known.epoch > mark.epoch) {
        return Fenced{known.epoch};
    }
    if (known >= mark) {
        return Superseded{};
    }
    merge_conditions(status, current, now);
    if (target.kind == ReportTarget::Kind::pod_status) {
        keep_members(status, current, kPodMembersOfOthers);
    } else {
        keep_members(status, current, kNodeMembersOfOthers);
        if (target.kubelet) lead_to_kubelet(status, *target.kubelet);
    }
    const Value* held = current.find("status");
    const Value empty = Value::make_object();
    Value changes = make_merge_patch(held != nullptr && held->is_object() ? *held : empty, status);
    // Within an epoch an unchanged object needs no new mark; the first report of an epoch leaves it
    // even so, against a hub that had the node before and does not know that it has lost it.
    if (changes.empty() && known.epoch == mark.epoch) {
        return NothingToDo{};
    }
    Value patch = Value::make_object();
    Value& metadata = patch.set("metadata", Value::make_object());
    metadata.set("uid", Value::of(object::uid(current)));
    metadata.set("resourceVersion", Value::of(object::resource_version(current)));
    Value& annotations = metadata.ensure_path({"annotations"});
    annotations.set(tunnel::kReportAnnotation, Value::of(mark.text()));
    if (target.kubelet) {
        annotations.set(
            kMetricsPath, Value::of(fmt::format("/nodes/{}/metrics/resource", target.name))
        );
    }
    patch.set("status", std::move(changes));
    return WriteStatus{std::move(patch)};
}

WriteDecision decide_pod_gone(const tunnel::Report& report, const Value* pod) {
    if (pod == nullptr || object::uid(*pod) != report.uid) {
        return NothingToDo{};  // That pod is gone, whoever has its name now.
    }
    if (!object::is_deleting(*pod)) {
        return Refuse{"nobody asked for the deletion of this pod"};
    }
    return DeletePod{report.uid};
}

constexpr std::string_view kDevices = "devices.kubeedge.io/v1beta1";
// Whose session the mark is of.
constexpr std::string_view kReporterAnnotation = "farhold.io/reporter";
constexpr std::array<std::string_view, 2> kDeviceMembersOfOthers = {"reportToCloud", "reportCycle"};

// The uid of the Device that a DeviceStatus belongs to.
std::string device_of(const Value& object) {
    for (const object::OwnerReference& owner : object::owner_references(object)) {
        if (owner.kind == "Device" && owner.api_version.starts_with("devices.kubeedge.io/")) {
            return owner.uid;
        }
    }
    return {};
}

Value owners_with(const Value& object, const ReportTarget& target, const tunnel::Report& report) {
    const Value* known = object.at_path({"metadata", "ownerReferences"});
    Value owners = known != nullptr && known->is_array() ? *known : Value::make_array();
    Value owner = Value::make_object();
    owner.set("apiVersion", Value::of(kDevices));
    owner.set("kind", Value::of("Device"));
    owner.set("name", Value::of(target.name));
    owner.set("uid", Value::of(report.uid));
    owners.push_back(std::move(owner));
    return owners;
}

Value make_device_status(
    const std::string& node, const ReportTarget& target, const tunnel::Report& report,
    ReportMark mark, Value status
) {
    Value object = Value::make_object();
    object.set("apiVersion", Value::of(kDevices));
    object.set("kind", Value::of("DeviceStatus"));
    Value& metadata = object.set("metadata", Value::make_object());
    metadata.set("name", Value::of(target.name));
    metadata.set("namespace", Value::of(target.ns));
    Value& annotations = metadata.set("annotations", Value::make_object());
    annotations.set(tunnel::kReportAnnotation, Value::of(mark.text()));
    annotations.set(kReporterAnnotation, Value::of(node));
    metadata.set("ownerReferences", owners_with(Value(), target, report));
    object.set("spec", Value::make_object());
    object.set("status", std::move(status));
    return object;
}

// As merge_conditions; one that is new is as it is since now.
void date_conditions(Value& status, const Value& current, WallTime now) {
    merge_conditions(status, current, now);
    Value* conditions = status.find("conditions");
    if (conditions == nullptr || !conditions->is_array()) return;
    for (Value& condition : conditions->array()) {
        if (condition.is_object() && condition.find("lastTransitionTime") == nullptr) {
            condition.set("lastTransitionTime", Value::of(object::format_time(now)));
        }
    }
}

}  // namespace

std::optional<ReportMark> ReportMark::parse(std::string_view text) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) {
        return std::nullopt;
    }
    const auto epoch = parse_number(text.substr(0, dot));
    const auto ordinal = parse_number(text.substr(dot + 1));
    if (!epoch || !ordinal) {
        return std::nullopt;
    }
    return ReportMark{*epoch, *ordinal};
}

std::string ReportMark::text() const {
    return fmt::format("{}.{}", epoch, ordinal);
}

Result<ReportTarget> ReportTarget::parse(const tunnel::Report& report) {
    const auto key = object::ObjectKey::parse(report.key);
    if (!key) {
        return fail(key.error());
    }
    ReportTarget target{.kind = Kind::event, .ns = key->ns, .name = key->name};
    if (key->kind == "PodStatus") {
        target.kind = Kind::pod_status;
    } else if (key->kind == "NodeStatus") {
        target.kind = Kind::node_status;
    } else if (key->kind == "PodGone") {
        target.kind = Kind::pod_gone;
    } else if (key->kind == "DeviceStatus") {
        target.kind = Kind::device_status;
    } else if (key->kind == "DeviceState") {
        target.kind = Kind::device_state;
    } else if (key->kind != "Event") {
        return fail(ErrorCode::invalid_argument, "unknown kind of report " + key->kind);
    }
    const bool is_event = target.kind == Kind::event;
    if (is_event != (report.cls == tunnel::ReportClass::event)) {
        return fail(ErrorCode::invalid_argument, key->kind + " in another class of report");
    }
    return target;
}

WriteDecision decide_write(
    const std::string& node, const ReportTarget& target, const tunnel::Report& report,
    ReportMark mark, const json::Value* current, WallTime now
) {
    using Kind = ReportTarget::Kind;
    if (target.kind == Kind::node_status && (target.name != node || !target.ns.empty())) {
        return Refuse{"not the node's own status"};
    }
    const bool about_pod = target.kind == Kind::pod_status || target.kind == Kind::pod_gone;
    if (about_pod && current != nullptr && current->text_at({"spec", "nodeName"}) != node) {
        return Refuse{"the pod is not bound to this node"};
    }
    if (target.kind == Kind::pod_gone) {
        return decide_pod_gone(report, current);
    }
    if (current == nullptr) {
        return Refuse{"the object does not exist", true};
    }
    if (object::uid(*current) != report.uid && !(report.uid.empty() && !about_pod)) {
        return Refuse{"the object has another uid", true};
    }
    auto status = parse_body(report);
    if (!status) {
        return Refuse{status.error().message()};
    }
    return decide_status(target, std::move(*status), mark, *current, now);
}

WriteDecision decide_device_write(
    const std::string& node, const ReportTarget& target, const tunnel::Report& report,
    ReportMark mark, const json::Value* current, WallTime now
) {
    auto status = parse_body(report);
    if (!status) return Refuse{status.error().message()};
    const bool is_state = target.kind == ReportTarget::Kind::device_state;
    if (current == nullptr) {
        if (is_state) return Refuse{"the object does not exist", true};
        return CreateObject{make_device_status(node, target, report, mark, std::move(*status))};
    }
    if (is_state) {
        if (object::uid(*current) != report.uid) return Refuse{"the object has another uid", true};
        date_conditions(*status, *current, now);
    } else if (const std::string owner = device_of(*current);
               owner != report.uid && !owner.empty()) {
        return RemoveObject{std::string(object::uid(*current))};
    }
    // Numbers of another node's sessions tell nothing about ours.
    const bool ours = object::annotation(*current, kReporterAnnotation).value_or("") == node;
    const ReportMark known = ours ? mark_of(*current) : ReportMark{};
    if (known.epoch > mark.epoch) return Fenced{known.epoch};
    if (known >= mark) return Superseded{};
    keep_members(*status, *current, kDeviceMembersOfOthers);
    const Value* held = current->find("status");
    const Value empty = Value::make_object();
    Value changes = make_merge_patch(held != nullptr && held->is_object() ? *held : empty, *status);
    if (changes.empty() && known.epoch == mark.epoch) return NothingToDo{};
    Value patch = Value::make_object();
    Value& metadata = patch.set("metadata", Value::make_object());
    metadata.set("uid", Value::of(object::uid(*current)));
    metadata.set("resourceVersion", Value::of(object::resource_version(*current)));
    Value& annotations = metadata.ensure_path({"annotations"});
    annotations.set(tunnel::kReportAnnotation, Value::of(mark.text()));
    annotations.set(kReporterAnnotation, Value::of(node));
    if (!is_state && device_of(*current).empty()) {
        metadata.set("ownerReferences", owners_with(*current, target, report));
    }
    patch.set("status", std::move(changes));
    return WriteStatus{std::move(patch)};
}

Result<json::Value> make_reported_event(
    const std::string& node, const ReportTarget& target, const tunnel::Report& report,
    const views::NodeView& view
) {
    auto body = parse_body(report);
    if (!body) {
        return fail(body.error());
    }
    const object::ObjectKey involved{
        std::string(body->text_at({"involvedObject", "kind"})),
        std::string(body->text_at({"involvedObject", "namespace"})),
        std::string(body->text_at({"involvedObject", "name"})),
    };
    const bool own_node = involved.kind == "Node" && involved.name == node;
    const bool own_pod = involved.kind == "Pod" && view.find(involved) != nullptr;
    if (involved.kind == "Pod" && !own_pod) {
        return fail(ErrorCode::not_found, "event about " + involved.text());
    }
    if (!own_node && !own_pod) {
        return fail(ErrorCode::permission_denied, "event about " + involved.text());
    }
    if (target.ns != (own_pod ? involved.ns : "default")) {
        return fail(ErrorCode::permission_denied, "event in a namespace of others");
    }
    // Labels, owners and the like are not for a machine to say.
    Value metadata = Value::make_object();
    metadata.set("name", Value::of(target.name));
    metadata.set("namespace", Value::of(target.ns));
    body->set("metadata", std::move(metadata));
    body->set("apiVersion", Value::of("v1"));
    body->set("kind", Value::of("Event"));
    body->ensure_path({"source"}).set("host", Value::of(node));
    body->set("reportingInstance", Value::of(node));
    return body;
}

}  // namespace farhold::hub
