// SPDX-License-Identifier: Apache-2.0
//
// Pure: which names and values KubeEdge takes on MQTT: 1 to 128 (to 512) of letters, digits and
// - _ . , : / @ #.
#pragma once

#include <string_view>

namespace farhold::twin {

bool is_twin_name(std::string_view name);
bool is_twin_text(std::string_view value);

}  // namespace farhold::twin
