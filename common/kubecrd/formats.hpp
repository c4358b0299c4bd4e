// SPDX-License-Identifier: Apache-2.0
//
// Pure: the `format` of a schema.
#pragma once

#include "common/json/value.hpp"

#include <string_view>

namespace farhold::kubecrd {

// Formats that nobody knows fit everything, as in Kubernetes.
bool fits_format(const json::Value& value, std::string_view format);

}  // namespace farhold::kubecrd
