// SPDX-License-Identifier: Apache-2.0
//
// A JSON text of a test as a value.
#pragma once

#include "common/json/value.hpp"
#include "tests/support/catch.hpp"

namespace farhold::object {

inline json::Value parse_json(std::string_view text) {
    auto value = json::Value::parse(text);
    INFO(text);
    REQUIRE(value);
    return std::move(*value);
}

}  // namespace farhold::object
