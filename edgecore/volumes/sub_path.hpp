// SPDX-License-Identifier: Apache-2.0
//
// Binds a path inside a volume to a place of the pod's own, so that what is mounted into a container
// is the file that was checked and not one that was put in its place since (CVE-2017-1002101,
// CVE-2021-25741): the kernel resolves it beneath the volume (openat2), and the mount is made from
// the descriptor. Blocking; needs Linux 5.6 and root.
#pragma once

#include "common/base/error.hpp"

#include <string>

namespace farhold::volumes {

// `volume` is a folder (or a file, with an empty sub_path); a missing sub_path becomes a folder.
// What was bound at `target` before is released.
Result<void> bind_sub_path(
    const std::string& volume, const std::string& sub_path, const std::string& target
);

}  // namespace farhold::volumes
