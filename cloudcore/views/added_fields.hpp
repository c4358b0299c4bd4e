// SPDX-License-Identifier: Apache-2.0
//
// Pure: whether two contents of one object in one version may come from one history. A server that was
// upgraded, or put back to its older release, writes other fields that it fills in itself; people's
// changes get another version.
#pragma once

#include <string_view>

namespace farhold::views {

// Whether they agree in all fields that both have. What is in metadata and in the data of ConfigMaps
// and Secrets no server fills in, and no list grows by itself: these are to be the same. False for what
// cannot be read.
bool differ_by_defaults(std::string_view left, std::string_view right);

}  // namespace farhold::views
