// SPDX-License-Identifier: Apache-2.0
//
// Undoes everything that edgecore made on this machine: pods, volumes, state. For `edgecore leave`.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/log/log.hpp"
#include "edgecore/app/settings.hpp"

namespace farhold::edge {

// Stops and removes every pod of this machine's store, its logs and control groups; one grace for
// all.
Task<Result<>> stop_all_pods(const Settings& settings, log::Logger logger);

// Deletes volumes and all state but the credentials, which leaving needs until the end. Nothing is
// deleted while something is still mounted inside.
Result<> delete_state(const Settings& settings);

}  // namespace farhold::edge
