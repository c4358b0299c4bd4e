// SPDX-License-Identifier: Apache-2.0
//
// As much OpenAPI as kubectl needs. Version 2 is an empty document, since an incomplete one makes
// kubectl 1.20 reject valid manifests, and in protobuf, since that version reads nothing else.
// Version 3 lists for each kind a PATCH with `fieldValidation`, by which newer ones learn that the
// server checks fields itself.
#include "common/base/encoding.hpp"
#include "common/base/sha256.hpp"
#include "common/kuberest/discovery.hpp"
#include "common/kuberest/representation.hpp"

#include <fmt/format.h>

#include <map>

namespace farhold::kuberest {
namespace {

using json::Value;
using kubeschema::Registry;

constexpr std::string_view kProtobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
constexpr std::string_view kProtobufOld =
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
constexpr std::string_view kTitle = "Farhold";
constexpr std::string_view kVersion = "v1.34";

// A field of wire type 2; all we write is shorter than 128 bytes.
std::string protobuf_field(int number, std::string_view bytes) {
    std::string field;
    field += static_cast<char>((number << 3) | 2);
    field += static_cast<char>(bytes.size());
    return field.append(bytes);
}

// gnostic's openapi.v2.Document{swagger=1, info=2{title=1, version=2}, paths=8}.
std::string empty_v2_protobuf() {
    const std::string info = protobuf_field(1, kTitle) + protobuf_field(2, kVersion);
    return protobuf_field(1, "2.0") + protobuf_field(2, info) + protobuf_field(8, "");
}

Value info() {
    Value info = Value::make_object();
    info.set("title", Value::of(kTitle));
    info.set("version", Value::of(kVersion));
    return info;
}

ApiResult<Response> describe_v2(const Request& request) {
    std::vector<MediaRange> ranges = parse_accept(request.accept);
    if (ranges.empty()) {
        ranges.push_back({"application/json", "", "", ""});
    }
    for (const MediaRange& range : ranges) {
        if (range.type == kProtobuf || range.type == kProtobufOld) {
            Response response(200, empty_v2_protobuf());
            response.content_type = kProtobuf;
            return response;
        }
        if (range.type == "application/json" || range.type == "*/*") {
            Value document = Value::make_object();
            document.set("swagger", Value::of("2.0"));
            document.set("info", info());
            document.set("paths", Value::make_object());
            return Response(200, document.dump());
        }
    }
    return Response(406, "");
}

Value query_parameter(std::string_view name, std::string_view type) {
    Value schema = Value::make_object();
    schema.set("type", Value::of(type));
    Value parameter = Value::make_object();
    parameter.set("name", Value::of(name));
    parameter.set("in", Value::of("query"));
    parameter.set("schema", std::move(schema));
    return parameter;
}

Value patch_operation(const ResourceType& type) {
    Value kind = Value::make_object();
    kind.set("group", Value::of(type.group));
    kind.set("version", Value::of(type.version));
    kind.set("kind", Value::of(type.kind));
    Value operation = Value::make_object();
    operation.set("x-kubernetes-action", Value::of("patch"));
    operation.set("x-kubernetes-group-version-kind", std::move(kind));
    Value& parameters = operation.set("parameters", Value::make_array());
    parameters.push_back(query_parameter("dryRun", "string"));
    parameters.push_back(query_parameter("fieldManager", "string"));
    parameters.push_back(query_parameter("fieldValidation", "string"));
    parameters.push_back(query_parameter("force", "boolean"));
    return operation;
}

std::string object_path(const std::string& root, const ResourceType& type) {
    return fmt::format(
        "/{}/{}{}/{{name}}", root, type.namespaced ? "namespaces/{namespace}/" : "", type.plural
    );
}

// "api/v1" -> its document.
std::map<std::string, std::string> documents(const Registry& registry) {
    std::map<std::string, Value> paths;
    for (const kubeschema::ResourceTypePtr& type : registry.all()) {
        if (!type->has_verb("patch")) {
            continue;
        }
        const std::string root = (type->group.empty() ? "api/" : "apis/") + type->group_version();
        Value entry = Value::make_object();
        entry.set("patch", patch_operation(*type));
        paths[root].set(object_path(root, *type), std::move(entry));
    }
    std::map<std::string, std::string> texts;
    for (auto& [root, operations] : paths) {
        Value document = Value::make_object();
        document.set("openapi", Value::of("3.0.0"));
        document.set("info", info());
        document.set("paths", std::move(operations));
        document["components"].set("schemas", Value::make_object());
        texts[root] = document.dump();
    }
    return texts;
}

std::string hash_of(const std::string& document) {
    return hex_encode(sha256(document));
}

std::string address_of(const std::string& root, const std::string& document) {
    return fmt::format("/openapi/v3/{}?hash={}", root, hash_of(document));
}

Response v3_index(const std::map<std::string, std::string>& served) {
    Value index = Value::make_object();
    Value& paths = index.set("paths", Value::make_object());
    for (const auto& [root, document] : served) {
        Value entry = Value::make_object();
        entry.set("serverRelativeURL", Value::of(address_of(root, document)));
        paths.set(root, std::move(entry));
    }
    return {200, index.dump()};
}

Response v3_document(const Request& request, const std::string& root, const std::string& document) {
    const auto hash = find_parameter(request.query, "hash");
    if (hash && *hash != hash_of(document)) {
        Response moved(301, "");
        moved.headers = {{"Location", address_of(root, document)}};
        return moved;
    }
    Response response(200, document);
    if (hash) {
        response.headers = {{"Cache-Control", "public, immutable"}};
    }
    response.headers.emplace_back("ETag", fmt::format("\"{}\"", hash_of(document)));
    return response;
}

}  // namespace

ApiResult<Response> describe_openapi(
    const Registry& registry, const Request& request, const std::vector<std::string_view>& elements
) {
    if (request.method != "GET") {
        return refuse(method_not_allowed());
    }
    if (elements.size() == 2 && elements[1] == "v2") {
        return describe_v2(request);
    }
    if (elements.size() < 2 || elements[1] != "v3") {
        return page_not_found();
    }
    const std::map<std::string, std::string> served = documents(registry);
    if (elements.size() == 2) {
        return v3_index(served);
    }
    std::string root(elements[2]);
    for (std::size_t i = 3; i < elements.size(); ++i) {
        root.append("/").append(elements[i]);
    }
    const auto found = served.find(root);
    if (found == served.end()) {
        return page_not_found();
    }
    return v3_document(request, found->first, found->second);
}

}  // namespace farhold::kuberest
