// SPDX-License-Identifier: Apache-2.0
//
// Pure: what the source files of LinkState share and nobody else sees.
#pragma once

#include "edgecore/link/link_state.hpp"

namespace farhold::link {

struct LinkState::Step {
    const StoreView& store;
    Now now;
    Random& random;
    Actions actions;
};

}  // namespace farhold::link
