// SPDX-License-Identifier: Apache-2.0
//
// Pure: whether an API server that has no time asks to be asked again, and when.
#pragma once

#include "common/base/time.hpp"
#include "common/net/http.hpp"

#include <optional>

namespace farhold::kube {

// For 429 and the 5xx that come with a Retry-After in seconds (RFC 9110, 10.2.3), at most ten of
// them; nullopt: the answer stands.
std::optional<Duration> retry_after(const net::HttpResponse& response);

}  // namespace farhold::kube
