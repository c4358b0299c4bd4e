// SPDX-License-Identifier: Apache-2.0
//
// Name, TCP connection, TLS handshake. Internal to common/net.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/net/connection.hpp"
#include "common/net/dial_options.hpp"
#include "common/net/peer.hpp"
#include "common/net/tls_context.hpp"

#include <memory>

namespace farhold::net {

// Without a context in the clear. Tries all addresses of the name in turn.
Task<Result<std::shared_ptr<Connection>>> dial(
    Endpoint endpoint, std::shared_ptr<const TlsContext> tls, DialOptions options = {}
);

}  // namespace farhold::net
