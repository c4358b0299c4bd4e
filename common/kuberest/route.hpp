// SPDX-License-Identifier: Apache-2.0
//
// Pure: which resource and verb a method and path mean.
#pragma once

#include "common/kuberest/request.hpp"
#include "common/kuberest/status.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace farhold::kuberest {

// What a request is about. In discovery's paths there is no type.
struct Target {
    kubeschema::ResourceTypePtr type;
    std::string ns;           // Empty: cluster-scoped, or a list over all namespaces.
    std::string name;         // Empty: the collection.
    std::string subresource;  // Empty: the object itself.
    std::string rest;         // Of the path, behind the subresource "proxy"; begins with a slash.
    std::string verb;         // "get", "list", "watch", "create", ..., as RBAC names them.
};

// "/api/v1/pods" -> {"api", "v1", "pods"}; empty elements are left out.
std::vector<std::string_view> path_elements(std::string_view path);

// What authorization is asked about, whether or not there is such a resource.
struct RequestedResource {
    std::string group;
    std::string ns;  // A namespace itself is in its own, too.
    std::string plural;
    std::string name;
    std::string subresource;
    std::string verb;  // Empty: the method means nothing there.
};

// `elements` as those of find_target().
RequestedResource requested_resource(
    const Request& request, const std::vector<std::string_view>& elements
);

// `elements` has at least three: what follows "/api/v1" or "/apis/GROUP/VERSION" is a resource.
ApiResult<Target> find_target(
    const kubeschema::Registry& registry, const Request& request,
    const std::vector<std::string_view>& elements
);

}  // namespace farhold::kuberest
