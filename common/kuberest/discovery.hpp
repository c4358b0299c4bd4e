// SPDX-License-Identifier: Apache-2.0
//
// Pure: what the API serves, in the forms that old and new clients ask for, and the OpenAPI
// documents. All of it is made of the registry at each request, so it is never stale.
#pragma once

#include "common/kuberest/request.hpp"
#include "common/kuberest/status.hpp"

#include <string_view>
#include <vector>

namespace farhold::kuberest {

// The Kubernetes version whose behaviour we follow, as clients compare it.
std::string version_document();

// /api, /apis, /api/V, /apis/G and /apis/G/V; nothing (404 page) for unknown groups.
ApiResult<Response> discover(
    const kubeschema::Registry& registry, const Request& request,
    const std::vector<std::string_view>& elements
);

// /openapi/v2, /openapi/v3 and below.
ApiResult<Response> describe_openapi(
    const kubeschema::Registry& registry, const Request& request,
    const std::vector<std::string_view>& elements
);

// What upstream's multiplexer says for paths that nobody serves.
Response page_not_found();

}  // namespace farhold::kuberest
