// SPDX-License-Identifier: Apache-2.0
//
// Pure: a device as `edgecore status` and `edgecore device` show it.
#pragma once

#include "common/json/value.hpp"
#include "edgecore/twin/device_twin.hpp"

#include <string>

namespace farhold::devices {

json::Value device_status(const std::string& id, const twin::DeviceTwin& device);

}  // namespace farhold::devices
