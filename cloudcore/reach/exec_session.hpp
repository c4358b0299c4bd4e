// SPDX-License-Identifier: Apache-2.0
//
// A session of exec or attach between a client's WebSocket and a container runtime's SPDY connection.
#pragma once

#include "cloudcore/reach/node_call.hpp"
#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/relay.hpp"
#include "common/net/websocket.hpp"

#include <memory>

namespace farhold::reach {

// Until the command has ended, or one end is gone; both are closed then. The left of `relayed` is the
// client.
Task<Result<>> run_exec_session(
    std::unique_ptr<net::WebSocket> client, std::unique_ptr<net::ByteStream> runtime,
    CallSubject wanted, bool has_close_signal, net::RelayedBytes& relayed
);

}  // namespace farhold::reach
