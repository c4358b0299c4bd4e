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

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <vector>

namespace farhold::net {

// The first of them that answers: each has a head start over the next one, so that one which swallows
// packets does not hold up the others.
Task<Result<std::shared_ptr<Connection>>> connect_first(
    std::vector<boost::asio::ip::tcp::endpoint> addresses, DialOptions options
);

// Without a context in the clear.
Task<Result<std::shared_ptr<Connection>>> dial(
    Endpoint endpoint, std::shared_ptr<const TlsContext> tls, DialOptions options = {}
);

}  // namespace farhold::net
