// SPDX-License-Identifier: Apache-2.0
//
// The settings that begin with mqtt-, as the client wants them.
#pragma once

#include "common/base/error.hpp"
#include "edgecore/app/settings.hpp"
#include "edgecore/mqtt/mqtt_client.hpp"

#include <optional>
#include <string>

namespace farhold::edge {

// Nothing when no broker is wanted. The client is called "farhold-" and the node.
Result<std::optional<mqtt::ClientSettings>> read_mqtt_settings(
    const Settings& settings, const std::string& node
);

}  // namespace farhold::edge
