// SPDX-License-Identifier: Apache-2.0
//
// A WebSocket as a stream of bytes: the borders of its messages mean nothing, and each write is one
// message. It has no end in one direction only: end_writing() closes it.
#pragma once

#include "common/net/byte_stream.hpp"
#include "common/net/websocket.hpp"

#include <memory>

namespace farhold::net {

std::unique_ptr<ByteStream> stream_over(std::unique_ptr<WebSocket> socket);

}  // namespace farhold::net
