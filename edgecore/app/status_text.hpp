// SPDX-License-Identifier: Apache-2.0
//
// Pure: the document of `edgecore status -o json` as a screenful for people, at most 80 columns wide
// where names allow it.
#pragma once

#include "common/json/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::edge {

std::string render_status(const json::Value& status);

// "12 s", "3 min", "5 h", "12 days"; negative ones as 0 s.
std::string human_duration(std::int64_t seconds);
// "512 B", "1.2 kB", "164 kB", "3.0 GB".
std::string human_bytes(std::int64_t bytes);

}  // namespace farhold::edge
