// SPDX-License-Identifier: Apache-2.0
//
// Streams to machines. Provided by the program, since the tunnel is another part's business.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/net/byte_stream.hpp"
#include "common/streams/stream_class.hpp"

#include <memory>
#include <string>

namespace farhold::reach {

class NodeStreams {
public:
    virtual ~NodeStreams() = default;

    // For one request of HTTP/1.1 that the machine answers. Errors: not_found (no such node),
    // unavailable (not connected), resource_exhausted (too many streams).
    virtual Task<Result<std::unique_ptr<net::ByteStream>>> open(
        std::string node, streams::StreamClass cls
    ) = 0;
};

}  // namespace farhold::reach
