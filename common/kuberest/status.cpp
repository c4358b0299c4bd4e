// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/status.hpp"

#include <fmt/format.h>

namespace farhold::kuberest {
namespace {

Status status_of(int code, std::string reason, std::string message) {
    Status status;
    status.code = code;
    status.reason = std::move(reason);
    status.message = std::move(message);
    return status;
}

// With details, empty ones too.
Status detailed(int code, std::string reason, std::string message) {
    Status status = status_of(code, std::move(reason), std::move(message));
    status.has_details = true;
    return status;
}

Status about(
    int code, std::string reason, const ResourceType& type, std::string_view name,
    std::string message
) {
    Status status = detailed(code, std::move(reason), std::move(message));
    status.name = name;
    status.group = type.group;
    status.kind = type.plural;
    return status;
}

std::vector<StatusCause> causes_of(const kubeschema::FieldErrors& errors) {
    std::vector<StatusCause> causes;
    for (const kubeschema::FieldError& error : errors) {
        causes.push_back({error.reason, error.field, error.message});
    }
    return causes;
}

json::Value details_of(const Status& status) {
    json::Value details = json::Value::make_object();
    const auto set_text = [&details](std::string_view key, const std::string& text) {
        if (!text.empty()) {
            details.set(key, json::Value::of(text));
        }
    };
    set_text("name", status.name);
    set_text("group", status.group);
    set_text("kind", status.kind);
    set_text("uid", status.uid);
    for (const StatusCause& cause : status.causes) {
        json::Value entry = json::Value::make_object();
        entry.set("reason", json::Value::of(cause.reason));
        entry.set("message", json::Value::of(cause.message));
        if (!cause.field.empty()) {
            entry.set("field", json::Value::of(cause.field));
        }
        details["causes"].push_back(std::move(entry));
    }
    if (status.retry_after_seconds != 0) {
        details.set("retryAfterSeconds", json::Value::of(status.retry_after_seconds));
    }
    return details;
}

Status precondition_failed(
    const ResourceType& type, std::string_view name, std::string_view what, std::string_view wanted,
    std::string_view found, std::string_view guess
) {
    Status status = about(
        409, "Conflict", type, name,
        fmt::format(
            "Operation cannot be fulfilled on {} \"{}\": the {} in the precondition ({}) does not "
            "match the {} in record ({}). The object might have been {}",
            type.qualified_kind(), name, what, wanted, what, found, guess
        )
    );
    status.kind = type.kind;
    return status;
}

constexpr std::string_view kModified =
    "the object has been modified; please apply your changes to the latest version and try again";

}  // namespace

json::Value Status::to_json() const {
    json::Value status = json::Value::make_object();
    status.set("kind", json::Value::of("Status"));
    status.set("apiVersion", json::Value::of("v1"));
    json::Value& metadata = status.set("metadata", json::Value::make_object());
    if (!continue_token.empty()) {
        metadata.set("continue", json::Value::of(continue_token));
    }
    status.set("status", json::Value::of(code < 400 ? "Success" : "Failure"));
    if (!message.empty()) {
        status.set("message", json::Value::of(message));
    }
    if (!reason.empty()) {
        status.set("reason", json::Value::of(reason));
    }
    if (has_details) {
        status.set("details", details_of(*this));
    }
    // A success carries its code where it says more than that.
    if (code != 200) {
        status.set("code", json::Value::of(code));
    }
    return status;
}

Status bad_request(std::string message) {
    return status_of(400, "BadRequest", std::move(message));
}

Status unauthorized() {
    return status_of(401, "Unauthorized", "Unauthorized");
}

Status not_found(const ResourceType& type, std::string_view name) {
    return about(
        404, "NotFound", type, name,
        fmt::format("{} \"{}\" not found", type.qualified_plural(), name)
    );
}

Status no_such_resource() {
    return detailed(404, "NotFound", "the server could not find the requested resource");
}

Status method_not_allowed() {
    return detailed(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
    );
}

Status definition_terminating() {
    return detailed(
        405, "MethodNotAllowed",
        "create not allowed while custom resource definition is terminating"
    );
}

Status already_exists(const ResourceType& type, std::string_view name) {
    return about(
        409, "AlreadyExists", type, name,
        fmt::format("{} \"{}\" already exists", type.qualified_plural(), name)
    );
}

Status ends_and_exists(const ResourceType& type, std::string_view name) {
    Status status = already_exists(type, name);
    status.message.insert(0, "object is being deleted: ");
    return status;
}

Status name_not_unique(const ResourceType& type, std::string_view name) {
    Status status = already_exists(type, name);
    status.message += ", the server was not able to generate a unique name for the object";
    status.retry_after_seconds = 1;
    return status;
}

Status cannot_fulfil(
    const ResourceType& type, std::string_view name, std::string_view why,
    std::string_view subresource
) {
    Status status = about(
        409, "Conflict", type, name,
        fmt::format(
            "Operation cannot be fulfilled on {}{} \"{}\": {}", type.qualified_plural(),
            subresource, name, why
        )
    );
    status.kind.append(subresource);
    return status;
}

Status modified_meanwhile(const ResourceType& type, std::string_view name) {
    return cannot_fulfil(type, name, kModified);
}

Status uid_precondition_failed(
    const ResourceType& type, std::string_view name, std::string_view wanted, std::string_view found
) {
    return precondition_failed(type, name, "UID", wanted, found, "deleted and then recreated");
}

Status revision_precondition_failed(
    const ResourceType& type, std::string_view name, std::string_view wanted, std::string_view found
) {
    return precondition_failed(type, name, "ResourceVersion", wanted, found, "modified");
}

Status foreign_uid(
    const ResourceType& type, std::string_view key, std::string_view name, std::string_view wanted,
    std::string_view found
) {
    const std::string why = fmt::format(
        "StorageError: invalid object, Code: 4, Key: /registry/{}, ResourceVersion: 0, "
        "AdditionalErrorMsg: Precondition failed: UID in precondition: {}, UID in object meta: {}",
        key, wanted, found
    );
    return cannot_fulfil(type, name, why);
}

Status invalid(
    const ResourceType& type, std::string_view name, const kubeschema::FieldErrors& errors
) {
    Status status = about(
        422, "Invalid", type, name,
        fmt::format(
            "{} \"{}\" is invalid: {}", type.qualified_kind(), name, kubeschema::summary(errors)
        )
    );
    status.kind = type.kind;
    status.causes = causes_of(errors);
    return status;
}

Status invalid_options(std::string_view options, const kubeschema::FieldErrors& errors) {
    Status status = detailed(
        422, "Invalid",
        fmt::format("{}.meta.k8s.io \"\" is invalid: {}", options, kubeschema::summary(errors))
    );
    status.group = "meta.k8s.io";
    status.kind = options;
    status.causes = causes_of(errors);
    return status;
}

Status missing_resource_version(const ResourceType& type, std::string_view name) {
    const kubeschema::FieldErrors errors = {kubeschema::invalid(
        "metadata.resourceVersion", json::Value::of(0), "must be specified for an update"
    )};
    Status status = invalid(type, name, errors);
    // Unlike all other Invalid texts this one names the resource.
    status.message = fmt::format(
        "{} \"{}\" is invalid: {}", type.qualified_plural(), name, kubeschema::summary(errors)
    );
    status.kind = type.plural;
    return status;
}

Status invalid_patch(const std::string& value, std::string_view detail) {
    const kubeschema::FieldErrors errors = {kubeschema::invalid("patch", value, detail)};
    Status status =
        detailed(422, "Invalid", fmt::format(" \"\" is invalid: {}", kubeschema::summary(errors)));
    status.causes = causes_of(errors);
    return status;
}

Status unprocessable_patch() {
    return detailed(
        422, "Invalid", "the server rejected our request due to an error in our request"
    );
}

Status forbidden(const ResourceType& type, std::string_view name, std::string_view why) {
    return forbidden(type.group, type.plural, name, why);
}

Status forbidden(
    std::string_view group, std::string_view plural, std::string_view name, std::string_view why
) {
    const std::string suffix = group.empty() ? "" : fmt::format(".{}", group);
    const std::string quoted = name.empty() ? "" : fmt::format(" \"{}\"", name);
    Status status = detailed(
        403, "Forbidden", fmt::format("{}{}{} is forbidden: {}", plural, suffix, quoted, why)
    );
    status.name = name;
    status.group = group;
    status.kind = plural;
    return status;
}

Status forbidden_path(std::string_view user, std::string_view verb, std::string_view path) {
    return detailed(
        403, "Forbidden",
        fmt::format("forbidden: User \"{}\" cannot {} path \"{}\"", user, verb, path)
    );
}

Status namespace_terminating(const ResourceType& type, std::string_view name, std::string_view ns) {
    Status status = forbidden(
        type, name,
        fmt::format(
            "unable to create new content in namespace {} because it is being terminated", ns
        )
    );
    status.causes.push_back(
        {"NamespaceTerminating", "metadata.namespace",
         fmt::format("namespace {} is being terminated", ns)}
    );
    return status;
}

Status list_expired() {
    return status_of(410, "Expired", "The resourceVersion for the provided list is too old.");
}

Status continue_expired(std::string new_token) {
    Status status = status_of(
        410, "Expired",
        "The provided continue parameter is too old to display a consistent list result. You can "
        "start a new list without the continue parameter, or use the continue token in this "
        "response to retrieve the remainder of the results. Continuing with the provided token "
        "results in an inconsistent list - objects that were created, modified, or deleted between "
        "the time the first chunk was returned and now may show up in the list."
    );
    status.continue_token = std::move(new_token);
    return status;
}

Status watch_expired(std::string message) {
    return status_of(410, "Expired", std::move(message));
}

Status revision_too_large(std::int64_t wanted, std::int64_t newest) {
    Status status = detailed(
        504, "Timeout",
        fmt::format("Timeout: Too large resource version: {}, current: {}", wanted, newest)
    );
    status.causes.push_back({"ResourceVersionTooLarge", "", "Too large resource version"});
    status.retry_after_seconds = 1;
    return status;
}

Status unsupported_body(std::string_view accepted) {
    return status_of(
        415, "UnsupportedMediaType",
        fmt::format(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted
        )
    );
}

Status unsupported_patch() {
    return detailed(415, "UnsupportedMediaType", "415: Unsupported Media Type");
}

Status not_acceptable() {
    return detailed(
        406, "NotAcceptable", "406: Not Acceptable\n\nAvailable representations: application/json"
    );
}

Status not_acceptable_form() {
    return status_of(
        406, "NotAcceptable", "only the following media types are accepted: application/json"
    );
}

Status too_many_operations(std::string message) {
    return detailed(413, "RequestEntityTooLarge", std::move(message));
}

Status plain_error(std::string message) {
    return status_of(500, "", std::move(message));
}

Status machine_error(int code, std::string message) {
    switch (code) {
        case 400:
            return status_of(400, "BadRequest", std::move(message));
        case 403:
            return status_of(403, "Forbidden", std::move(message));
        case 404:
            return status_of(404, "NotFound", std::move(message));
        case 429:
            return status_of(429, "TooManyRequests", std::move(message));
        case 500:
            return status_of(500, "InternalError", std::move(message));
        case 503:
            return status_of(503, "ServiceUnavailable", std::move(message));
        case 504:
            return status_of(504, "Timeout", std::move(message));
        default:
            return status_of(code, "", std::move(message));
    }
}

Status too_many(std::string_view what) {
    Status status =
        detailed(429, "TooManyRequests", fmt::format("too many {}, please try again later", what));
    status.retry_after_seconds = 1;
    return status;
}

Status internal_error(const Error& error) {
    return status_of(
        500, "InternalError", fmt::format("Internal error occurred: {}", error.message())
    );
}

}  // namespace farhold::kuberest
