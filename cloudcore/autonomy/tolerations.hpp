// SPDX-License-Identifier: Apache-2.0
//
// Pure: what keeps Kubernetes from evicting a pod because its machine is out of reach.
//
// Of a pod's tolerations the eviction controller uses the first in the list that matches a taint,
// and the API server has put one with 300 seconds there: appending an unending one would change
// nothing. Existing tolerations may neither be removed nor changed, except that their
// tolerationSeconds may go; new ones may stand anywhere.
#pragma once

#include "common/json/value.hpp"

#include <optional>
#include <string_view>

namespace farhold::autonomy {

// On a pod, "true": it is evicted as anywhere else. Read when the pod is seen bound; what was
// changed by then is not changed back.
inline constexpr std::string_view kEvictAnnotation = "farhold.io/evict-when-unreachable";

// A JSON patch after which the pod tolerates node.kubernetes.io/not-ready and unreachable without an
// end. It is refused when the pod is another one or its tolerations have changed. Nullopt: nothing
// is to be done, since it does already, does not want it, or is finished or being deleted.
std::optional<json::Value> patch_to_stay(const json::Value& pod);

}  // namespace farhold::autonomy
