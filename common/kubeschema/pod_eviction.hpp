// SPDX-License-Identifier: Apache-2.0
//
// Pure: what POST .../pods/NAME/eviction says in a pod's status.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"

namespace farhold::kubeschema {

// Sets condition DisruptionTarget.
void mark_evicted(json::Value& pod, WallTime now);

}  // namespace farhold::kubeschema
