// SPDX-License-Identifier: Apache-2.0
//
// Pure: KubeEdge's MQTT topics of devices. A device is "<namespace>/<name>" in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace farhold::twin {

// What somebody asks of us.
struct Topic {
    enum class Kind : std::uint8_t {
        twin_update,
        twin_get,
        state_update,
        state_get,
        membership_get,
        membership_detail,
    };
    Kind kind = Kind::twin_update;
    std::string device;  // Of the first four.
    std::string node;    // Of the last two.
};

// Nothing when it is no topic of ours.
std::optional<Topic> parse_topic(std::string_view topic);

// Where the answer goes.
std::string result_topic(const Topic& topic);
std::string delta_topic(std::string_view device);
std::string document_topic(std::string_view device);
std::string attributes_topic(std::string_view device);
std::string membership_topic(std::string_view node);

// What a client that serves all this subscribes to; `node` is its own name.
inline constexpr std::string_view kDeviceFilters[] = {
    "$hw/events/device/+/+/twin/update",
    "$hw/events/device/+/+/twin/get",
    "$hw/events/device/+/+/state/update",
    "$hw/events/device/+/+/state/get",
};
std::string membership_filter(std::string_view node, std::string_view what);

}  // namespace farhold::twin
