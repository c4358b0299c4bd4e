// SPDX-License-Identifier: Apache-2.0
//
// Pure: the desired values of a Device beside its DeviceModel.
#pragma once

#include "common/devices/value_rules.hpp"
#include "common/json/value.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::devices {

struct Misfit {
    std::string field;  // "spec.properties[0].desired.value"
    std::string value;
    std::string detail;  // "must not be more than 100"
};

// What the model says of a property; nothing when it has none of that name. A type that nobody knows
// is that of any text.
std::optional<ValueRule> find_rule(const json::Value& model, std::string_view property);

// Properties that the model does not have are not judged.
std::vector<Misfit> check_device(const json::Value& device, const json::Value& model);

}  // namespace farhold::devices
