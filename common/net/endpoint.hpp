// SPDX-License-Identifier: Apache-2.0
//
// Pure: "HOST:PORT" as people write it.
#pragma once

#include "common/base/error.hpp"
#include "common/net/peer.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::net {

// IPv6 addresses stand in brackets: "[::1]:10000". The port is needed.
Result<Endpoint> parse_endpoint(std::string_view text);

// The same where the port may be missing: then it is that one. An IPv6 address without a port needs no
// brackets.
Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port);

std::string to_string(const Endpoint& endpoint);

}  // namespace farhold::net
