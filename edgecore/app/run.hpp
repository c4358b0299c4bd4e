// SPDX-License-Identifier: Apache-2.0
//
// The composition of a running edgecore: what is built, in which order it starts and stops.
#pragma once

#include "edgecore/app/settings.hpp"

namespace farhold::edge {

// Runs until SIGTERM; the exit code. Pods go on running afterwards.
int run(const Settings& settings);

}  // namespace farhold::edge
