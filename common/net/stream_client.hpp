// SPDX-License-Identifier: Apache-2.0
//
// A connection in the clear as a stream of bytes: for what speaks a protocol of its own on loopback.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/dial_options.hpp"
#include "common/net/peer.hpp"

#include <memory>

namespace farhold::net {

Task<Result<std::unique_ptr<ByteStream>>> connect_stream(Endpoint endpoint, DialOptions options);

}  // namespace farhold::net
