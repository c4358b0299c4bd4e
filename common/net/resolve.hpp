// SPDX-License-Identifier: Apache-2.0
//
// Names to addresses. Internal to common/net.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/net/peer.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <vector>

namespace farhold::net {

// At once for an address, and for a name within the limit, whatever the system's resolver does: it
// blocks for many seconds when its servers are silent, and cannot be interrupted.
Task<Result<std::vector<boost::asio::ip::tcp::endpoint>>> resolve(
    Endpoint endpoint, Duration limit
);

}  // namespace farhold::net
