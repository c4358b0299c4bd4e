// SPDX-License-Identifier: Apache-2.0
//
// The server's half of the WebSocket upgrade. Internal to common/net.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/net/connection.hpp"
#include "common/net/http.hpp"
#include "common/net/websocket.hpp"

#include <memory>

namespace farhold::net {

// Answers the request, with a refusal if it is not a proper upgrade.
Task<Result<std::unique_ptr<WebSocket>>> accept_websocket(
    std::shared_ptr<Connection> connection, const HttpRequest& request, WebSocketOptions options
);

}  // namespace farhold::net
