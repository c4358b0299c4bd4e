// SPDX-License-Identifier: Apache-2.0
//
// The process as the kernel sees it, under the names that Prometheus' own client libraries use, so
// that ready-made dashboards and alerts know them: process_resident_memory_bytes and the like.
#pragma once

#include "common/metrics/samples.hpp"

namespace farhold::metrics {

// Reads a few small files below /proc. What cannot be read has no value.
void collect_process(Samples& samples);

}  // namespace farhold::metrics
