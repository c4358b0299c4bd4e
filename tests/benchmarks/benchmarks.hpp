// SPDX-License-Identifier: Apache-2.0
//
// What tools/bench can measure. Each brings up what it needs in a temporary folder and removes it.
#pragma once

#include "figures.hpp"

#include <vector>

namespace farhold::bench {

std::vector<Figure> measure_footprint();
std::vector<Figure> measure_startup();
std::vector<Figure> measure_link();
std::vector<Figure> measure_api();
std::vector<Figure> measure_cluster();
std::vector<Figure> measure_memory();

}  // namespace farhold::bench
