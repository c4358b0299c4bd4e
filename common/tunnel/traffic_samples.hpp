// SPDX-License-Identifier: Apache-2.0
//
// A tunnel's traffic as series, the same at both ends.
#pragma once

#include "common/metrics/samples.hpp"
#include "common/tunnel/traffic.hpp"

#include <string>

namespace farhold::tunnel {

// PREFIX_bytes_total and PREFIX_messages_total, by direction and kind.
void collect_traffic(
    metrics::Samples& samples, const std::string& prefix, const Traffic& sent,
    const Traffic& received
);

}  // namespace farhold::tunnel
