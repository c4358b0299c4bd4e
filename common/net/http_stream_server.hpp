// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 served on a stream of bytes, such as one within the tunnel: one request, whose answer may
// be a stream or the raw bytes of another protocol. Whoever made the stream ends it when its peer is
// lost, so that a reader may be as slow as it likes.
#pragma once

#include "common/async/task.hpp"
#include "common/base/time.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/http_server.hpp"

#include <chrono>
#include <cstddef>
#include <memory>

namespace farhold::net {

struct HttpStreamLimits {
    std::size_t header_bytes_max = 64 << 10;
    std::size_t body_bytes_max = 64 << 10;
    Duration request_timeout = std::chrono::seconds(30);
};

// Returns when the handler has ended and the peer has its answer, or is gone. WebSockets are not
// accepted here; a handler may hijack() and relay them. A peer that ends its own writing before the
// end of a chunked answer counts as gone.
Task<> serve_http(
    std::unique_ptr<ByteStream> stream, HttpStreamLimits limits, const HttpHandler& handler
);

}  // namespace farhold::net
