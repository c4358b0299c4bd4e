// SPDX-License-Identifier: Apache-2.0
//
// A file that holds space on the disk until it is full: then it is removed, so that what must be
// written still can be. Blocking.
#pragma once

#include "common/base/error.hpp"

#include <cstddef>
#include <string>

namespace farhold::store {

// Room for SQLite's log to grow to its full length, and as much again.
inline constexpr std::size_t kReserveBytes = std::size_t{8} << 20U;

class SpaceReserve {
public:
    explicit SpaceReserve(std::string path, std::size_t bytes = kReserveBytes);

    // Makes the file unless it is there. resource_exhausted unless as much again stays free.
    Result<void> fill();
    void release();

private:
    std::string path_;
    std::size_t bytes_;
};

}  // namespace farhold::store
