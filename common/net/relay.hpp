// SPDX-License-Identifier: Apache-2.0
//
// Two streams of bytes put through to each other.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/net/byte_stream.hpp"

#include <cstdint>

namespace farhold::net {

struct RelayedBytes {
    std::uint64_t from_left = 0;
    std::uint64_t from_right = 0;
};

// Until both ends have ended, or one has and `grace` has passed; an error at one end is the end of
// both. Both are closed then, also when it is cancelled. `relayed` counts as it goes.
Task<Result<>> relay(ByteStream& left, ByteStream& right, Duration grace, RelayedBytes& relayed);

}  // namespace farhold::net
