// SPDX-License-Identifier: Apache-2.0
//
// Pure: which values a property takes, by its DeviceModel. All values are text.
#pragma once

#include "common/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::devices {

enum class ValueType : std::uint8_t { text, integer, real, boolean, bytes, stream };

// In any case of letters, by the names of models (INT, DOUBLE, ...) and of messages (int, integer,
// ...).
Result<ValueType> parse_value_type(std::string_view name);

struct ValueRule {
    ValueType type = ValueType::text;
    std::string type_name = "string";  // As messages have it.
    bool read_only = false;
    std::string minimum;  // Empty: none.
    std::string maximum;
};

// The error says what is wrong with the value, not whose it is.
Result<> check_value(const ValueRule& rule, std::string_view value);

}  // namespace farhold::devices
