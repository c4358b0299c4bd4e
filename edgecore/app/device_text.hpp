// SPDX-License-Identifier: Apache-2.0
//
// Pure: devices as a table for people, a line for each property.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"

#include <string>

namespace farhold::edge {

std::string render_devices(const json::Value& devices, WallTime now);

}  // namespace farhold::edge
