// SPDX-License-Identifier: Apache-2.0
//
// One request on a connection of its own: for enrolment, the command line and tests.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/net/http.hpp"
#include "common/net/peer.hpp"
#include "common/net/tls_config.hpp"

#include <cstddef>
#include <optional>

namespace farhold::net {

struct HttpClientOptions {
    Duration timeout = std::chrono::seconds(30);  // For everything together.
    std::size_t body_bytes_max = 8 << 20;
};

// Without `tls` in the clear, for loopback. Nothing of the request is sent before the server is
// proved. Errors: unavailable, unauthenticated (certificate refused by either side), deadline,
// corrupt (not HTTP), resource_exhausted (the answer is too long). Any HTTP status is a success.
Task<Result<HttpResponse>> http_request(
    Endpoint endpoint, std::optional<TlsClientConfig> tls, HttpRequest request,
    HttpClientOptions options = {}
);

}  // namespace farhold::net
