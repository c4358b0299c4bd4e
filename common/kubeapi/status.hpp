// SPDX-License-Identifier: Apache-2.0
//
// Pure: the errors of the Kubernetes API in Kubernetes' own words. Clients and people compare the
// texts, so each is written once, here.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"
#include "common/kubeschema/resource_type.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::kubeapi {

struct StatusCause {
    std::string reason;
    std::string field;
    std::string message;
};

struct Status {
    int code = 500;
    std::string reason;
    std::string message;

    // `details`; left out when has_details is false.
    bool has_details = false;
    std::string name;
    std::string group;
    std::string kind;  // By convention the plural, but the Kind where the object was at fault.
    std::string uid;
    std::vector<StatusCause> causes;
    int retry_after_seconds = 0;
    std::string continue_token;  // Of an expired list: how to go on all the same.

    json::Value to_json() const;
    // The same for our own controllers.
    Error to_error() const;
};

template <class T = void>
using ApiResult = std::expected<T, Status>;

inline std::unexpected<Status> refuse(Status status) {
    return std::unexpected(std::move(status));
}

using kubeschema::ResourceType;

Status bad_request(std::string message);
Status not_found(const ResourceType& type, std::string_view name);
Status no_such_resource();
Status method_not_allowed();
Status already_exists(const ResourceType& type, std::string_view name);
Status name_not_unique(const ResourceType& type, std::string_view name);
Status modified_meanwhile(const ResourceType& type, std::string_view name);
// A precondition of a delete; these two texts name the Kind.
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
Status invalid(
    const ResourceType& type, std::string_view name, const kubeschema::FieldErrors& errors
);
// Bad query options; `options` is "ListOptions", "CreateOptions", ...
Status invalid_options(std::string_view options, const kubeschema::FieldErrors& errors);
Status missing_resource_version(const ResourceType& type, std::string_view name);
// A patch whose result is not an object of the kind.
Status invalid_patch(std::string value, std::string detail);
// A JSON patch that does not fit; upstream does not tell which operation.
Status unprocessable_patch();
Status forbidden(const ResourceType& type, std::string_view name, std::string_view detail);
Status namespace_terminating(
    const ResourceType& type, std::string_view name, std::string_view ns
);
Status list_expired();
Status continue_expired(std::string new_token);
Status watch_expired(std::string message);
Status revision_too_large(std::int64_t wanted, std::int64_t newest);
Status unsupported_body(std::string_view accepted);
Status unsupported_patch_type();
Status not_acceptable(std::string message);
Status body_too_large(std::size_t bytes_max);
Status too_many_operations(std::size_t operations_max);
// What Go returns as a plain error: no reason, no details.
Status plain_error(std::string message);
Status internal_error(const Error& error);

}  // namespace farhold::kubeapi
