// SPDX-License-Identifier: Apache-2.0
//
// Pure: what a namespace that is being deleted says about what it still holds.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace farhold::namespaces {

struct RemainingContent {
    std::map<std::string, std::int64_t> by_resource;   // "pods." -> 2
    std::map<std::string, std::int64_t> by_finalizer;  // "example.com/guard" -> 1
};

// The five conditions of upstream's namespace controller, in its order. Those whose status is
// unchanged keep their lastTransitionTime.
json::Value deletion_conditions(
    const json::Value& current, const RemainingContent& remaining, WallTime now
);

}  // namespace farhold::namespaces
