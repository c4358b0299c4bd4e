// SPDX-License-Identifier: Apache-2.0
//
// A connection as a stream of bytes, for whoever need not know what it is. Internal to common/net.
#pragma once

#include "common/net/byte_stream.hpp"
#include "common/net/connection.hpp"

#include <memory>

namespace farhold::net {

// The connection is closed with the stream.
std::unique_ptr<ByteStream> make_stream(std::shared_ptr<Connection> connection);

}  // namespace farhold::net
