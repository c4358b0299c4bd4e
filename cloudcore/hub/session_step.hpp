// SPDX-License-Identifier: Apache-2.0
//
// Pure: what the source files of SessionState share and nobody else sees.
#pragma once

#include "cloudcore/hub/session_state.hpp"

namespace farhold::hub {

struct SessionState::Step {
    ViewAccess& access;
    Now now;
    Actions actions;
};

}  // namespace farhold::hub
