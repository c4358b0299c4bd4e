// SPDX-License-Identifier: Apache-2.0
//
// What a long-running program owes its service manager: stop on SIGTERM, say when it is ready, and
// run its parts on one loop.
#pragma once

#include "common/async/task.hpp"

#include <functional>
#include <string_view>

namespace farhold::service {

// Returns when SIGTERM or SIGINT arrives.
Task<> stop_requested();

// systemd's notification protocol (sd_notify(3)): "READY=1", "STOPPING=1", "WATCHDOG=1". Does
// nothing when no manager listens; never blocks.
void notify(std::string_view state);

// Runs the coroutine on a loop of its own until it ends, with SIGPIPE ignored: a peer that went away
// is an error of one write. Returns the exit code that it answered.
int run(std::function<Task<int>(Executor)> program);

}  // namespace farhold::service
