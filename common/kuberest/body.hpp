// SPDX-License-Identifier: Apache-2.0
//
// Pure: request bodies as objects, whatever they were encoded in.
#pragma once

#include "common/kuberest/request.hpp"
#include "common/kuberest/status.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace farhold::kuberest {

// What a body is expected to be.
struct ObjectKind {
    std::string group;
    std::string version;
    std::string kind;
    bool json_only = false;
    bool is_custom = false;

    std::string api_version() const { return group.empty() ? version : group + "/" + version; }
};

ObjectKind kind_of(const ResourceType& type);

struct DecodedBody {
    json::Value object;
    std::vector<std::string> duplicates;  // Fields that stood twice.
};

// A body of that kind, in JSON or Kubernetes' protobuf. One without kind and apiVersion is taken
// for it, as upstream does.
ApiResult<DecodedBody> decode_object(const Request& request, const ObjectKind& expected);

// Fills in kind and apiVersion where they are missing; others than those expected are refused.
ApiResult<> check_kind(json::Value& object, const ObjectKind& expected);

// The options in the body of a deletion; null when there is none.
ApiResult<json::Value> decode_deletion_options(const Request& request);

// "application/json" of "application/json; charset=utf-8"; JSON when there is none.
std::string media_type(const Request& request);

}  // namespace farhold::kuberest
