// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/body.hpp"

#include "common/kubeproto/decode.hpp"
#include "common/kubeschema/field_table.hpp"
#include "common/kubeschema/writes.hpp"
#include "common/object/metadata.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::kuberest {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kAccepted = "application/json, application/vnd.kubernetes.protobuf";

Status unrecognized(const ObjectKind& expected, std::string_view why) {
    return bad_request(fmt::format(
        "the object provided is unrecognized (must be of type {}): {}", expected.kind, why
    ));
}

ApiResult<DecodedBody> decode_json(const Request& request, const ObjectKind& expected) {
    DecodedBody body;
    Result<json::Value> object = json::Value::parse(request.body, {}, &body.duplicates);
    if (!object) {
        return refuse(unrecognized(
            expected,
            fmt::format("couldn't get version/kind; json parse error: {}", object.error().message())
        ));
    }
    if (object->is_null()) {
        *object = json::Value::make_object();
    }
    if (!object->is_object()) {
        return refuse(unrecognized(
            expected, "couldn't get version/kind; json parse error: the body is not a JSON object"
        ));
    }
    body.object = std::move(*object);
    return body;
}

ApiResult<DecodedBody> decode_protobuf(const Request& request, const ObjectKind& expected) {
    const Result<kubeproto::Envelope> envelope = kubeproto::open_envelope(request.body);
    if (!envelope) {
        return refuse(unrecognized(expected, envelope.error().message()));
    }
    const std::string& kind = envelope->kind.empty() ? expected.kind : envelope->kind;
    const kubeschema::MessageType* type = kubeschema::FieldTable::built_in().find(kind);
    if (type == nullptr) {
        return refuse(unsupported_body(kAccepted));
    }
    DecodedBody body;
    Result<json::Value> object = kubeproto::decode_message(envelope->raw, *type);
    if (!object) {
        return refuse(unrecognized(expected, object.error().message()));
    }
    body.object = std::move(*object);
    body.object.set("kind", json::Value::of(kind));
    body.object.set(
        "apiVersion",
        json::Value::of(
            envelope->api_version.empty() ? expected.api_version() : envelope->api_version
        )
    );
    return body;
}

// "core" is how Go names the group without a name.
std::string go_package(const std::string& group) {
    return group.empty() ? "core" : group.substr(0, group.find('.'));
}

// The place is that of upstream's source.
std::string not_registered(std::string_view kind, std::string_view version) {
    return fmt::format(
        "no kind \"{}\" is registered for version \"{}\" in scheme \"pkg/runtime/scheme.go:111\"",
        kind, version
    );
}

ApiResult<DecodedBody> decode(const Request& request, const ObjectKind& expected) {
    const std::string type = media_type(request);
    if (type == kJson) {
        return decode_json(request, expected);
    }
    if (type == kubeproto::kMediaType && !expected.json_only) {
        return decode_protobuf(request, expected);
    }
    return refuse(unsupported_body(expected.json_only ? kJson : kAccepted));
}

// What is read without knowing its kind must say it itself.
ApiResult<> check_custom_kind(const json::Value& object, const ObjectKind& expected) {
    const std::string_view version = object::api_version(object);
    if (object::kind(object).empty()) {
        return refuse(bad_request(fmt::format("Object 'Kind' is missing in '{}'", object.dump())));
    }
    if (version != expected.api_version()) {
        return refuse(bad_request(fmt::format(
            "the API version in the data ({}) does not match the expected API version ({})",
            version, expected.api_version()
        )));
    }
    if (const std::string_view kind = object::kind(object); kind != expected.kind) {
        ResourceType other;
        other.group = expected.group;
        other.kind = kind;
        return refuse(invalid(
            other, object::name(object),
            {kubeschema::invalid("kind", kind, fmt::format("must be {}", expected.kind))}
        ));
    }
    return {};
}

}  // namespace

ApiResult<> check_kind(json::Value& object, const ObjectKind& expected) {
    if (expected.is_custom) {
        return check_custom_kind(object, expected);
    }
    if (object::kind(object).empty()) {
        object.set("kind", json::Value::of(expected.kind));
    }
    if (object::api_version(object).empty()) {
        object.set("apiVersion", json::Value::of(expected.api_version()));
    }
    const std::string version(object::api_version(object));
    const std::string kind(object::kind(object));
    // Core kinds are known, but other ones.
    const bool known = version == "v1" && kubeschema::FieldTable::built_in().find(kind) != nullptr;
    if (version != expected.api_version() && !known) {
        return refuse(bad_request(fmt::format(
            "{} in version \"{}\" cannot be handled as a {}: {}", kind, expected.version,
            expected.kind, not_registered(kind, version)
        )));
    }
    if (kind != expected.kind || version != expected.api_version()) {
        return refuse(bad_request(fmt::format(
            "{} in version \"{}\" cannot be handled as a {}: converting ({}.{}) to ({}.{}): "
            "unknown "
            "conversion",
            kind, expected.version, expected.kind, expected.version, kind,
            go_package(expected.group), expected.kind
        )));
    }
    return {};
}

ObjectKind kind_of(const ResourceType& type) {
    return {type.group, type.version, type.kind, type.json_only, type.is_custom};
}

std::string media_type(const Request& request) {
    std::string type = request.content_type.substr(0, request.content_type.find(';'));
    type.erase(type.find_last_not_of(' ') + 1);
    return type.empty() ? std::string(kJson) : type;
}

ApiResult<DecodedBody> decode_object(const Request& request, const ObjectKind& expected) {
    ApiResult<DecodedBody> body = decode(request, expected);
    if (!body) {
        return body;
    }
    if (const ApiResult<> fits = check_kind(body->object, expected); !fits) {
        return refuse(fits.error());
    }
    return body;
}

ApiResult<json::Value> decode_deletion_options(const Request& request) {
    if (request.body.empty()) {
        return json::Value();
    }
    ApiResult<DecodedBody> body = decode(request, {"", "v1", "DeleteOptions"});
    if (!body) {
        Status refused = body.error();
        refused.message.erase(0, refused.message.find("couldn't get version/kind"));
        return refuse(std::move(refused));
    }
    // The kind lives in every group's version; clients send v1, meta.k8s.io/v1 or none at all.
    json::Value& options = body->object;
    const std::string_view kind = object::kind(options);
    if (!kind.empty() && kind != "DeleteOptions") {
        return refuse(bad_request(not_registered(kind, object::api_version(options))));
    }
    std::vector<std::string> unknown;
    const auto& type = *kubeschema::FieldTable::built_in().find("DeleteOptions");
    if (const auto fits = kubeschema::conform_message(type, options, unknown); !fits) {
        return refuse(bad_request(fits.error().message()));
    }
    return std::move(options);
}

}  // namespace farhold::kuberest
