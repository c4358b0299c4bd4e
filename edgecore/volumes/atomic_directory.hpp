// SPDX-License-Identifier: Apache-2.0
//
// A folder whose files change all at once, laid out as kubelet's AtomicWriter does, which programs
// that watch their configuration rely on:
//
//   ..2f9Kd1/         the files of one version
//   ..data -> ..2f9Kd1     swapped by rename(2)
//   key -> ..data/key      what the container opens
//
// Blocking. A crash leaves either version, and leftovers that the next write clears away.
#pragma once

#include "common/base/error.hpp"
#include "edgecore/volumes/volume_plan.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace farhold::volumes {

// Writes nothing when the folder holds these files already.
Result<void> write_atomically(
    const std::string& folder, const Files& files, std::optional<std::int64_t> group
);

}  // namespace farhold::volumes
