// SPDX-License-Identifier: Apache-2.0
#include "common/kubeapi/rest_requests.hpp"

#include "common/object/metadata.hpp"

#include <array>
#include <memory>

namespace farhold::kubeapi {

namespace {

// A page of the largest objects that Kubernetes keeps is read, and nothing without an end.
constexpr json::ParseLimits kAnswerLimits{.bytes = std::size_t{64} << 20U};

// Bookkeeping of writers, often longer than the object; nobody here reads it, and an update without it
// keeps what is there.
void drop_managed_fields(json::Value& object) {
    json::Value* metadata = object.find("metadata");
    if (metadata != nullptr && metadata->is_object()) metadata->erase("managedFields");
}

std::string verb_of(std::string_view method, bool is_of_one) {
    if (method == "GET") return is_of_one ? "get" : "list";
    if (method == "POST") return "create";
    if (method == "PUT") return "update";
    return method == "PATCH" ? "patch" : "delete";
}

RestRequest request_for(
    std::string method, const ResourceRef& resource, std::string_view ns,
    std::string_view name = {}, std::string_view subresource = {}
) {
    RestRequest request;
    request.verb = verb_of(method, !name.empty());
    request.resource = resource.plural;
    if (!subresource.empty()) request.resource.append("/").append(subresource);
    request.method = std::move(method);
    request.path = resource.group.empty() ? "/api" : "/apis/" + resource.group;
    request.path += "/" + resource.version;
    if (!ns.empty()) {
        request.path.append("/namespaces/").append(ns);
    }
    request.path += "/" + resource.plural;
    for (const auto part : {name, subresource}) {
        if (!part.empty()) {
            request.path.append("/").append(part);
        }
    }
    return request;
}

// `as` is a kind of meta.k8s.io that carries metadata alone.
void select(RestRequest& request, const ListOptions& options, std::string_view as) {
    if (options.metadata_only) {
        request.accept = "application/json;as=";
        request.accept.append(as).append(";v=v1;g=meta.k8s.io,application/json");
    }
    if (!options.label_selector.empty()) {
        request.query.emplace_back("labelSelector", options.label_selector);
    }
    if (!options.field_selector.empty()) {
        request.query.emplace_back("fieldSelector", options.field_selector);
    }
}

RestRequest any_watch_request(const ResourceRef& resource, const ListOptions& options) {
    RestRequest request = request_for("GET", resource, options.ns);
    select(request, options, "PartialObjectMetadata");
    request.query.emplace_back("watch", "true");
    request.query.emplace_back("allowWatchBookmarks", "true");
    request.verb = "watch";
    return request;
}

std::string_view content_type_of(PatchType type) {
    switch (type) {
        case PatchType::json:
            return "application/json-patch+json";
        case PatchType::merge:
            return "application/merge-patch+json";
        case PatchType::strategic_merge:
            return "application/strategic-merge-patch+json";
    }
    return "";
}

ErrorCode code_of(int http_status, std::string_view reason) {
    switch (http_status) {
        case 400:
        case 405:
        case 406:
        case 413:
        case 415:
        case 422:
            return ErrorCode::invalid_argument;
        case 401:
            return ErrorCode::unauthenticated;
        case 403:
            return ErrorCode::permission_denied;
        case 404:
            return ErrorCode::not_found;
        case 409:
            return reason == "AlreadyExists" ? ErrorCode::already_exists : ErrorCode::conflict;
        case 410:
            return ErrorCode::resource_exhausted;
        case 429:
        case 503:
            return ErrorCode::unavailable;
        case 504:
            return ErrorCode::deadline;
        default:
            return ErrorCode::internal;
    }
}

}  // namespace

RestRequest get_request(const ResourceRef& resource, std::string_view ns, std::string_view name) {
    return request_for("GET", resource, ns, name);
}

RestRequest list_request(
    const ResourceRef& resource, const ListOptions& options, const std::string& continue_token,
    int limit
) {
    RestRequest request = request_for("GET", resource, options.ns);
    select(request, options, "PartialObjectMetadataList");
    request.query.emplace_back("limit", std::to_string(limit));
    if (!continue_token.empty()) {
        request.query.emplace_back("continue", continue_token);
    }
    return request;
}

RestRequest watch_request(
    const ResourceRef& resource, const ListOptions& options, const std::string& resource_version
) {
    RestRequest request = any_watch_request(resource, options);
    request.query.emplace_back("resourceVersion", resource_version);
    return request;
}

RestRequest watch_list_request(const ResourceRef& resource, const ListOptions& options) {
    RestRequest request = any_watch_request(resource, options);
    request.query.emplace_back("sendInitialEvents", "true");
    // Than what is the newest now, since no version is given.
    request.query.emplace_back("resourceVersionMatch", "NotOlderThan");
    return request;
}

RestRequest create_request(
    const ResourceRef& resource, std::string_view ns, const json::Value& object,
    std::string_view subresource
) {
    const std::string_view name = subresource.empty() ? std::string_view() : object::name(object);
    RestRequest request = request_for("POST", resource, ns, name, subresource);
    request.body = object.dump();
    return request;
}

RestRequest update_request(
    const ResourceRef& resource, std::string_view ns, const json::Value& object,
    std::string_view subresource
) {
    RestRequest request = request_for("PUT", resource, ns, object::name(object), subresource);
    request.body = object.dump();
    return request;
}

RestRequest patch_request(
    const ResourceRef& resource, std::string_view ns, std::string_view name, const Patch& patch
) {
    RestRequest request = request_for("PATCH", resource, ns, name, patch.subresource);
    request.content_type = content_type_of(patch.type);
    request.body = patch.body.dump();
    return request;
}

RestRequest remove_request(
    const ResourceRef& resource, std::string_view ns, std::string_view name,
    const DeleteOptions& options
) {
    json::Value body = json::Value::make_object();
    if (options.grace_period_seconds) {
        body.set("gracePeriodSeconds", json::Value::of(*options.grace_period_seconds));
    }
    if (!options.uid.empty()) {
        body.ensure_path({"preconditions", "uid"}) = json::Value::of(options.uid);
    }
    if (!options.resource_version.empty()) {
        body.ensure_path({"preconditions", "resourceVersion"}) =
            json::Value::of(options.resource_version);
    }
    RestRequest request = request_for("DELETE", resource, ns, name);
    request.body = body.dump();
    return request;
}

Error error_of_status(const json::Value& status, int http_status) {
    return {
        code_of(http_status, status.text_at({"reason"})),
        std::string(status.text_at({"message"}, "refused without a message"))
    };
}

Result<json::Value> read_answer(int http_status, std::string_view body) {
    Result<json::Value> object = json::Value::parse(body, kAnswerLimits);
    if (http_status < 400) {
        if (object) drop_managed_fields(*object);
        return object;
    }
    return fail(error_of_status(object.value_or(json::Value()), http_status));
}

Result<WatchEvent> read_watch_event(json::Value event) {
    json::Value* object = event.find("object");
    if (object == nullptr || !object->is_object()) {
        return fail(ErrorCode::corrupt, "watch: an event without an object");
    }
    const std::string type(event.text_at({"type"}));
    if (type == "ERROR") {
        const auto code = static_cast<int>(object->integer_at({"code"}, 500));
        return fail(error_of_status(*object, code));
    }
    WatchEvent result{WatchEvent::Type::modified, nullptr};
    if (type == "ADDED") {
        result.type = WatchEvent::Type::added;
    } else if (type == "DELETED") {
        result.type = WatchEvent::Type::deleted;
    } else if (type == "BOOKMARK") {
        result.type = WatchEvent::Type::bookmark;
    } else if (type != "MODIFIED") {
        return fail(ErrorCode::corrupt, "watch: an event of type \"" + type + "\"");
    }
    drop_managed_fields(*object);
    result.object = std::make_shared<const json::Value>(std::move(*object));
    return result;
}

std::string take_page(json::Value page, const ListOptions& options, ListResult& result) {
    if (json::Value* items = page.find("items"); items != nullptr && items->is_array()) {
        for (json::Value& item : items->array()) {
            drop_managed_fields(item);
            auto object = std::make_shared<const json::Value>(std::move(item));
            result.items.push_back(
                options.on_read ? options.on_read(std::move(object)) : std::move(object)
            );
        }
    }
    result.resource_version = page.text_at({"metadata", "resourceVersion"});
    return std::string(page.text_at({"metadata", "continue"}));
}

}  // namespace farhold::kubeapi
