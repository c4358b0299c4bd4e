// SPDX-License-Identifier: Apache-2.0
//
// Pure: a YAML document as JSON.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"

#include <string>

namespace farhold::yaml {

// The first document. Doubled keys and keys that are no words are refused.
Result<json::Value> parse(const std::string& text);

}  // namespace farhold::yaml
