// SPDX-License-Identifier: Apache-2.0
//
// Pure: what people must hear when a machine came back other than it went, in their words.
#pragma once

#include "cloudcore/hub/machine_memory.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::hub {

struct MachineNews {
    enum class Kind : std::uint8_t { store_went_back, reports_lost, cloned, node_made_anew };
    Kind kind = Kind::store_went_back;
    std::uint64_t count = 0;  // Of reports, where it is about them.
    std::string message;
};

// An Event's reason.
std::string_view reason_of(MachineNews::Kind kind);

MachineNews node_made_anew();
std::vector<MachineNews> news_of(const Judgement& judgement, const tunnel::Hello& hello);

}  // namespace farhold::hub
