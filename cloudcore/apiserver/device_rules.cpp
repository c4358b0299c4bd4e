// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/device_rules.hpp"

#include "common/devices/device_check.hpp"
#include "common/object/metadata.hpp"

#include <string_view>

namespace farhold::apiserver {
namespace {

// A model may come after its devices: until then nothing is known to be wrong.
void check_values(
    const json::Value& device, const kubeschema::FindObject& find, kubeschema::FieldErrors& errors
) {
    const std::string_view name = device.text_at({"spec", "deviceModelRef", "name"});
    const auto model = find({"devices.kubeedge.io", "devicemodels"}, object::ns(device), name);
    if (!model) {
        return;
    }
    for (const devices::Misfit& misfit : devices::check_device(device, *model)) {
        errors.push_back(kubeschema::invalid(misfit.field, misfit.value, misfit.detail));
    }
}

}  // namespace

void add_device_rules(kubeschema::Registry& registry) {
    registry.set_reference_rule("devices.devices.kubeedge.io", check_values);
}

}  // namespace farhold::apiserver
