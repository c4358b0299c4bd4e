// SPDX-License-Identifier: Apache-2.0
//
// The composition of a running cloudcore: what is built, in which order it starts and stops.
#pragma once

#include "cloudcore/app/settings.hpp"

namespace farhold::cloud {

// Runs until SIGTERM; the exit code.
int serve(const Settings& settings);

}  // namespace farhold::cloud
