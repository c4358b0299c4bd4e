// SPDX-License-Identifier: Apache-2.0
//
// Bytes both ways: a connection, TLS or not, or a stream within one. One read and one write may be
// pending at the same time.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/net/peer.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace farhold::net {

class ByteStream {
public:
    virtual ~ByteStream() = default;

    // At least one byte, or 0 after the peer's orderly end.
    virtual Task<Result<std::size_t>> read_some(std::span<char> into) = 0;

    // All of it. The bytes must stay until the call has ended.
    virtual Task<Result<void>> write(std::string_view bytes) = 0;

    // No more writes from us: the peer's reads end with 0 after what was written, and it may go on
    // writing. Not while a write is pending.
    virtual void end_writing() = 0;

    // Ends pending reads and writes at once with ErrorCode::cancelled.
    virtual void close_now() = 0;

    virtual const PeerIdentity& peer() const = 0;
};

}  // namespace farhold::net
