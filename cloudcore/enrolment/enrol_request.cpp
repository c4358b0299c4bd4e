// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/enrol_request.hpp"

#include "common/net/endpoint.hpp"
#include "common/object/metadata.hpp"
#include "common/tunnel/content.hpp"

#include <algorithm>
#include <array>

namespace farhold::enrolment {

namespace {

using json::Value;

constexpr json::ParseLimits kLimits{.bytes = 64 << 10, .depth = 8};
constexpr std::size_t kLabelsMax = 64;
constexpr std::size_t kTaintsMax = 32;
constexpr std::array<std::string_view, 2> kArchitectures = {"amd64", "arm64"};

Result<std::map<std::string, std::string>> read_labels(const Value* object) {
    std::map<std::string, std::string> labels;
    if (object == nullptr) {
        return labels;
    }
    if (!object->is_object() || object->size() > kLabelsMax) {
        return fail(ErrorCode::invalid_argument, "labels: not an object of at most 64");
    }
    for (const auto& [key, value] : object->object()) {
        const auto text = value.string();
        if (!text) {
            return fail(ErrorCode::invalid_argument, "label \"" + key + "\": not a label value");
        }
        if (const auto complaint = object::check_machine_label(key, *text)) {
            return fail(ErrorCode::invalid_argument, "label \"" + key + "\": " + *complaint);
        }
        labels.emplace(key, *text);
    }
    return labels;
}

Result<std::vector<object::Taint>> read_taints(const Value* list) {
    std::vector<object::Taint> taints;
    if (list == nullptr) {
        return taints;
    }
    if (!list->is_array() || list->size() > kTaintsMax) {
        return fail(ErrorCode::invalid_argument, "taints: not a list of at most 32");
    }
    for (const Value& one : list->array()) {
        object::Taint taint{
            std::string(one.text_at({"key"})), std::string(one.text_at({"value"})),
            std::string(one.text_at({"effect"}))
        };
        if (const auto complaint = object::check_taint(taint)) {
            return fail(ErrorCode::invalid_argument, "taint \"" + taint.key + "\": " + *complaint);
        }
        taints.push_back(std::move(taint));
    }
    return taints;
}

Value to_list(const std::vector<object::Taint>& taints) {
    Value list = Value::make_array();
    for (const object::Taint& taint : taints) {
        Value& one = list.push_back(Value::make_object());
        one.set("key", Value::of(taint.key));
        if (!taint.value.empty()) {
            one.set("value", Value::of(taint.value));
        }
        one.set("effect", Value::of(taint.effect));
    }
    return list;
}

}  // namespace

Result<EnrolRequest> parse_enrol_request(std::string_view body) {
    const auto parsed = Value::parse(body, kLimits);
    if (!parsed || !parsed->is_object()) {
        return fail(ErrorCode::invalid_argument, "the request is not a JSON object");
    }
    auto token = pki::parse_join_token(parsed->text_at({"token"}));
    if (!token) {
        return fail(token.error());
    }
    auto labels = read_labels(parsed->find("labels"));
    if (!labels) {
        return fail(labels.error());
    }
    auto taints = read_taints(parsed->find("taints"));
    if (!taints) {
        return fail(taints.error());
    }
    EnrolRequest request;
    request.token = std::move(*token);
    request.node = parsed->text_at({"node"});
    request.architecture = parsed->text_at({"architecture"});
    request.labels = std::move(*labels);
    request.taints = std::move(*taints);
    request.request_pem = parsed->text_at({"certificateRequest"});
    if (std::ranges::find(kArchitectures, request.architecture) == kArchitectures.end()) {
        return fail(ErrorCode::invalid_argument, "architecture: neither amd64 nor arm64");
    }
    return request;
}

std::string render_enrol_answer(const EnrolAnswer& answer) {
    Value body = Value::make_object();
    body.set("node", Value::of(answer.node));
    body.set("clusterUid", Value::of(answer.cluster_uid));
    body.set("certificate", Value::of(answer.certificate_pem));
    body.set("ca", Value::of(answer.ca_pem));
    Value& hubs = body.set("hubs", Value::make_array());
    for (const auto& hub : answer.hubs) {
        hubs.push_back(Value::of(net::to_string(hub)));
    }
    return body.dump();
}

Value make_node(const EnrolRequest& request, const std::string& node, const std::string& key_id) {
    Value labels = Value::make_object();
    labels.set("kubernetes.io/hostname", Value::of(node));
    labels.set("kubernetes.io/os", Value::of("linux"));
    labels.set("kubernetes.io/arch", Value::of(request.architecture));
    labels.set(kZoneLabel, Value::of(kMachinesZone));
    for (const auto& [key, value] : request.labels) {
        labels.set(key, Value::of(value));
    }
    Value object = Value::make_object();
    object.set("apiVersion", Value::of("v1"));
    object.set("kind", Value::of("Node"));
    Value& metadata = object.set("metadata", Value::make_object());
    metadata.set("name", Value::of(node));
    metadata.set("labels", std::move(labels));
    metadata.set(
        "annotations",
        Value::make_object({{std::string(tunnel::kMachineKeyAnnotation), Value::of(key_id)}})
    );
    if (!request.taints.empty()) {
        object.ensure_path({"spec"}).set("taints", to_list(request.taints));
    }
    return object;
}

Value take_over(const Value& existing, const Value& wanted) {
    Value labels = *wanted.at_path({"metadata", "labels"});
    const bool has_zone = object::label(existing, kZoneLabel).has_value();
    if (has_zone && object::label(wanted, kZoneLabel) == kMachinesZone) {
        labels.erase(kZoneLabel);
    }
    Value change = Value::make_object();
    Value& metadata = change.set("metadata", Value::make_object());
    metadata.set("labels", std::move(labels));
    metadata.set("annotations", *wanted.at_path({"metadata", "annotations"}));
    return change;
}

}  // namespace farhold::enrolment
