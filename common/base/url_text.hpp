// SPDX-License-Identifier: Apache-2.0
//
// Pure: the parts of a URL's path and query.
#pragma once

#include "common/base/error.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold {

// What lies between separators, without the empty parts: "/api//v1/" is "api" and "v1".
std::vector<std::string_view> split(std::string_view text, char separator);

// Keys and values of "a=1&b", decoded, in their order; a key may repeat.
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text);

}  // namespace farhold
