// SPDX-License-Identifier: Apache-2.0
//
// A start that was cut off half-way can leave a task that CRI does not know of; it then refuses to
// remove the container, and containerd's own task service is the way out. Private to
// edgecore/runtime.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/log/log.hpp"
#include "edgecore/runtime/cri_channel.hpp"

#include <string>

namespace farhold::runtime {

// The id of the task that stood in the way of a removal, or nothing.
std::string stuck_task(const Error& error);

// Kills and deletes it. Whether that helped shows when the removal is tried again.
Task<> remove_task(CriChannel& channel, std::string id, log::Logger log);

}  // namespace farhold::runtime
