// SPDX-License-Identifier: Apache-2.0
//
// Pure: the CustomResourceDefinitions of the chart, as YAML.
#pragma once

#include <string>
#include <vector>

namespace farhold::definitions {

std::vector<std::string> manifests();

}  // namespace farhold::definitions
