// SPDX-License-Identifier: Apache-2.0
//
// What all answers have in common: which pod is meant, and how an error is told.
#pragma once

#include "common/base/error.hpp"
#include "common/net/http.hpp"
#include "edgecore/nodeapi/node_api.hpp"
#include "edgecore/nodeapi/node_request.hpp"

namespace farhold::nodeapi {

Result<json::Value> find_pod(const NodeServices& services, const ContainerAddress& address);

net::HttpResponse error_response(int status, const Error& error);
net::HttpResponse error_response(const Error& error);

}  // namespace farhold::nodeapi
