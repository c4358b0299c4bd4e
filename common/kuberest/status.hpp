// SPDX-License-Identifier: Apache-2.0
//
// Pure: the errors of the Kubernetes API in Kubernetes' own words. Clients and people compare the
// texts, so each is written once, here.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"
#include "common/kubeschema/registry.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::kuberest {

using kubeschema::ResourceType;

struct StatusCause {
    std::string reason;
    std::string field;
    std::string message;
};

struct Status {
    int code = 500;
    std::string reason;
    std::string message;

    // `details`, left out as a whole when has_details is false.
    bool has_details = false;
    std::string name;
    std::string group;
    std::string kind;  // By convention the plural, but the Kind where the object was at fault.
    std::string uid;
    std::vector<StatusCause> causes;
    int retry_after_seconds = 0;

    std::string continue_token;  // Of an expired list: how to go on all the same.

    json::Value to_json() const;
};

template <class T = void>
using ApiResult = std::expected<T, Status>;

inline std::unexpected<Status> refuse(Status status) {
    return std::unexpected(std::move(status));
}

Status bad_request(std::string message);                                                  // 400
Status unauthorized();                                                                    // 401
Status forbidden(const ResourceType& type, std::string_view name, std::string_view why);  // 403
// Of a resource that may not exist.
Status forbidden(
    std::string_view group, std::string_view plural, std::string_view name, std::string_view why
);
Status forbidden_path(std::string_view user, std::string_view verb, std::string_view path);
Status namespace_terminating(const ResourceType& type, std::string_view name, std::string_view ns);
Status not_found(const ResourceType& type, std::string_view name);  // 404
Status no_such_resource();
Status method_not_allowed();  // 405
Status definition_terminating();
Status not_acceptable();       // 406
Status not_acceptable_form();  // JSON, but as something that we have not.
Status already_exists(const ResourceType& type, std::string_view name);  // 409
// By one that waits for its end.
Status ends_and_exists(const ResourceType& type, std::string_view name);
Status name_not_unique(const ResourceType& type, std::string_view name);
// `subresource` is "/binding" or nothing.
Status cannot_fulfil(
    const ResourceType& type, std::string_view name, std::string_view why,
    std::string_view subresource = {}
);
Status modified_meanwhile(const ResourceType& type, std::string_view name);
// Preconditions of a delete; these texts name the Kind.
Status uid_precondition_failed(
    const ResourceType& type, std::string_view name, std::string_view wanted, std::string_view found
);
Status revision_precondition_failed(
    const ResourceType& type, std::string_view name, std::string_view wanted, std::string_view found
);
// An update whose body carries another uid.
Status foreign_uid(
    const ResourceType& type, std::string_view key, std::string_view name, std::string_view wanted,
    std::string_view found
);
Status list_expired();  // 410
Status continue_expired(std::string new_token);
Status watch_expired(std::string message);
Status too_many_operations(std::string message);     // 413
Status unsupported_body(std::string_view accepted);  // 415
Status unsupported_patch();
Status invalid(  // 422
    const ResourceType& type, std::string_view name, const kubeschema::FieldErrors& errors
);
// Bad query options; `options` is "ListOptions", "CreateOptions", ...
Status invalid_options(std::string_view options, const kubeschema::FieldErrors& errors);
Status missing_resource_version(const ResourceType& type, std::string_view name);
// A patch whose result, `value`, is not an object of the kind.
Status invalid_patch(const std::string& value, std::string_view detail);
// A JSON patch that does not fit; upstream does not tell which operation.
Status unprocessable_patch();
// What Go returns as a plain error: no reason, no details.
Status too_many(std::string_view what);   // 429
Status plain_error(std::string message);  // 500
Status internal_error(const Error& error);
// What a machine, or the way to it, answered instead.
Status machine_error(int code, std::string message);
Status revision_too_large(std::int64_t wanted, std::int64_t newest);  // 504

}  // namespace farhold::kuberest
