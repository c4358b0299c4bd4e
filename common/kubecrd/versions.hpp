// SPDX-License-Identifier: Apache-2.0
//
// Pure: which version of an API clients should prefer.
#pragma once

#include <string_view>

namespace farhold::kubecrd {

// "v2", "v1", "v2beta1", "v1alpha3", then others by name.
bool is_preferred(std::string_view version, std::string_view other);

}  // namespace farhold::kubecrd
