// SPDX-License-Identifier: Apache-2.0
//
// Pure: what POST .../pods/NAME/binding does to a pod.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/json/value.hpp"

namespace farhold::kubeschema {

// Puts the pod on the binding's target node, merges the binding's annotations and sets condition
// PodScheduled. invalid_argument: the binding is not one to a node; conflict: the pod is bound or
// being deleted, or has another uid. The message is what follows
// `Operation cannot be fulfilled on pods/binding "NAME": `.
Result<void> bind_pod(json::Value& pod, const json::Value& binding, WallTime now);

}  // namespace farhold::kubeschema
