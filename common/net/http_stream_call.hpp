// SPDX-License-Identifier: Apache-2.0
//
// One HTTP/1.1 request on a stream of bytes, such as one within the tunnel, and its answer: read piece
// by piece, or the raw bytes of the protocol that both ends have agreed on. Whoever made the stream
// ends it when its peer is lost.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/http.hpp"
#include "common/net/http_pool.hpp"

#include <memory>
#include <string>

namespace farhold::net {

class HttpStreamCall : public HttpStream {
public:
    // What was answered with 101: the stream, with what has come of it already. next() is of no use
    // any more.
    virtual std::unique_ptr<ByteStream> upgraded() = 0;
};

// Returns with the answer's head, any status. `host` is what the request names as its server; a header
// Upgrade in the request asks for another protocol.
Task<Result<std::unique_ptr<HttpStreamCall>>> call_on_stream(
    std::unique_ptr<ByteStream> stream, HttpRequest request, std::string host
);

}  // namespace farhold::net
