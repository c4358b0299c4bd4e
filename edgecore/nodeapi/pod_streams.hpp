// SPDX-License-Identifier: Apache-2.0
//
// exec, attach and port-forward: the runtime is asked for an address of its stream server, and the
// request with all that follows is put through to it as it came.
#pragma once

#include "edgecore/nodeapi/node_api.hpp"
#include "edgecore/nodeapi/node_request.hpp"

namespace farhold::nodeapi {

Task<> serve_exec(
    net::HttpExchange& exchange, const NodeServices& services, const NodeRequest& request
);
Task<> serve_attach(
    net::HttpExchange& exchange, const NodeServices& services, const NodeRequest& request
);
Task<> serve_port_forward(
    net::HttpExchange& exchange, const NodeServices& services, const NodeRequest& request
);

}  // namespace farhold::nodeapi
