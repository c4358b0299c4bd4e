// SPDX-License-Identifier: Apache-2.0
//
// Pure: the text of the built-in field table; read through FieldTable::built_in.
#pragma once

#include <string_view>

namespace farhold::kubeschema {

extern const std::string_view kBuiltInFields;

}  // namespace farhold::kubeschema
