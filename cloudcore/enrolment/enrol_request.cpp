// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/enrol_request.hpp"

#include "common/net/endpoint.hpp"
#include "common/object/names.hpp"

#include <algorithm>
#include <array>

namespace farhold::enrolment {

namespace {

using json::Value;

constexpr json::ParseLimits kLimits{.bytes = 64 << 10, .depth = 8};
constexpr std::size_t kLabelsMax = 64;
constexpr std::array<std::string_view, 2> kArchitectures = {"amd64", "arm64"};

// Whose labels decide about scheduling or belong to the system; a machine does not choose them.
bool is_reserved(std::string_view key) {
    const auto slash = key.find('/');
    if (slash == std::string_view::npos) {
        return false;
    }
    const std::string_view prefix = key.substr(0, slash);
    return std::ranges::any_of(
        std::array<std::string_view, 3>{"kubernetes.io", "k8s.io", "farhold.io"},
        [prefix](std::string_view domain) {
            return prefix == domain || prefix.ends_with("." + std::string(domain));
        }
    );
}

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
        if (const auto complaint = object::check_qualified_name(key)) {
            return fail(ErrorCode::invalid_argument, "label \"" + key + "\": " + *complaint);
        }
        if (!text || object::check_label_value(*text)) {
            return fail(ErrorCode::invalid_argument, "label \"" + key + "\": not a label value");
        }
        if (is_reserved(key)) {
            return fail(
                ErrorCode::invalid_argument, "label \"" + key + "\": machines may not set it"
            );
        }
        labels.emplace(key, *text);
    }
    return labels;
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
    EnrolRequest request;
    request.token = std::move(*token);
    request.node = parsed->text_at({"node"});
    request.architecture = parsed->text_at({"architecture"});
    request.labels = std::move(*labels);
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
        "annotations", Value::make_object({{std::string(kMachineKeyAnnotation), Value::of(key_id)}})
    );
    return object;
}

}  // namespace farhold::enrolment
