// SPDX-License-Identifier: Apache-2.0
//
// Pure: the rules of KubeEdge's kinds that no schema can tell: what a Device wants must fit its
// DeviceModel. Beside a cluster the chart's ValidatingAdmissionPolicy says the same.
#pragma once

#include "common/kubeschema/registry.hpp"

namespace farhold::apiserver {

void add_device_rules(kubeschema::Registry& registry);

}  // namespace farhold::apiserver
