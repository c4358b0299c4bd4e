// SPDX-License-Identifier: Apache-2.0
//
// Health and metrics for probes and Prometheus, in the clear and without secrets: /healthz, /readyz,
// /metrics. Runs on the loop.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/metrics/metrics.hpp"
#include "common/net/http_server.hpp"

#include <functional>
#include <memory>
#include <string>

namespace farhold::cloud {

// Empty: ready; else what is missing.
using Readiness = std::function<std::string()>;

Result<std::unique_ptr<net::HttpServer>> start_health_server(
    Executor executor, net::Endpoint listen, const metrics::Registry& registry, Readiness readiness
);

}  // namespace farhold::cloud
