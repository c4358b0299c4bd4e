// SPDX-License-Identifier: Apache-2.0
//
// Pure: what a Device and its DeviceModel ask for.
#pragma once

#include "common/devices/value_rules.hpp"
#include "common/json/value.hpp"
#include "edgecore/twin/payloads.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::twin {

// Of a Device: what stands when the cloud and the machine desire different things.
inline constexpr std::string_view kConflictAnnotation = "farhold.io/conflict";
enum class ConflictRule : std::uint8_t { newest, cloud, machine };
std::string_view to_string(ConflictRule rule);

struct DesiredSpec {
    std::string value;
    std::string mark;        // Another one is another word of the cloud.
    std::int64_t at_ms = 0;  // As desired.metadata.timestamp says; 0: it does not.
};

// Something of the spec that is not done, for the device's status.
struct Unserved {
    std::string reason;  // One word.
    std::string message;

    bool operator==(const Unserved&) const = default;
};

struct DeviceSpec {
    std::string uid;
    std::string name;
    std::string description;
    ConflictRule rule = ConflictRule::newest;
    Attributes attributes;                            // Its labels.
    std::map<std::string, devices::ValueRule> rules;  // Of the model's properties.
    std::map<std::string, DesiredSpec> desired;
    std::map<std::string, std::string> rejected;  // Desired values that break the model, and why.
    std::vector<Unserved> unserved;

    // Of a property that the model does not have, any text goes.
    [[nodiscard]] const devices::ValueRule* rule_of(std::string_view property) const;
};

// `model` is null when it is not there.
DeviceSpec read_device_spec(const json::Value& device, const json::Value* model);

}  // namespace farhold::twin
