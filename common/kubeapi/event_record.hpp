// SPDX-License-Identifier: Apache-2.0
//
// Pure: core/v1 Events as controllers and kubelets write them.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"

#include <string>
#include <string_view>

namespace farhold::kubeapi {

// {apiVersion, kind, namespace, name, uid, resourceVersion} of an object.
json::Value reference_to(
    const json::Value& object, std::string_view api_version, std::string_view kind
);

// Named <object>.<hex of the time>, in the object's namespace ("default" for cluster-scoped ones).
json::Value make_event(
    json::Value involved, std::string_view type, std::string_view reason, std::string message,
    std::string_view component, WallTime time
);

}  // namespace farhold::kubeapi
