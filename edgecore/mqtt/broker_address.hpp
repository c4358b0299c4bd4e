// SPDX-License-Identifier: Apache-2.0
//
// Pure: a broker's address as people write it: tcp:// or mqtt://, or with TLS ssl://, tls:// or
// mqtts://.
#pragma once

#include "common/base/error.hpp"

#include <string>
#include <string_view>

namespace farhold::mqtt {

struct BrokerAddress {
    std::string uri;  // As Paho wants it.
    bool tls = false;
};

Result<BrokerAddress> parse_broker_address(std::string_view text);

}  // namespace farhold::mqtt
