// SPDX-License-Identifier: Apache-2.0
//
// Pure: what the cloud is told of a device. A report "DeviceStatus/<namespace>/<name>" becomes the
// status of the object of that name: {"twins": [...], "state": ..., "lastOnlineTime": ...,
// "extensions": {...}}; "DeviceState/<namespace>/<name>" that of the Device itself.
#pragma once

#include "edgecore/twin/device_spec.hpp"
#include "edgecore/twin/twin_record.hpp"

#include <string>

namespace farhold::twin {

std::string device_status_body(const DeviceSpec& spec, const DeviceRecord& record);
std::string device_state_body(const DeviceSpec& spec, const DeviceRecord& record);

// RFC 3339; empty for 0.
std::string time_text(std::int64_t ms);

}  // namespace farhold::twin
