// SPDX-License-Identifier: Apache-2.0
//
// Streams as series, the same at both ends.
#pragma once

#include "common/metrics/samples.hpp"
#include "common/streams/stream_counters.hpp"

namespace farhold::streams {

void collect_streams(metrics::Samples& samples, const ClassCounters& counters);

}  // namespace farhold::streams
