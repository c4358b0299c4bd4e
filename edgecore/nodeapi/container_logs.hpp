// SPDX-License-Identifier: Apache-2.0
//
// Answers a request for a container's log.
#pragma once

#include "edgecore/nodeapi/log_watch.hpp"
#include "edgecore/nodeapi/node_api.hpp"
#include "edgecore/nodeapi/node_request.hpp"

namespace farhold::nodeapi {

Task<> serve_logs(
    net::HttpExchange& exchange, const NodeServices& services, LogWatch& watch,
    const NodeRequest& request
);

}  // namespace farhold::nodeapi
