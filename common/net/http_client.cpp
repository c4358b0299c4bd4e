// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_client.hpp"

#include "common/net/http_pool.hpp"

#include <utility>

namespace farhold::net {

Task<Result<HttpResponse>> http_request(
    Endpoint endpoint, std::optional<TlsClientConfig> tls, HttpRequest request,
    HttpClientOptions options
) {
    HttpPoolOptions once;
    once.timeout = options.timeout;
    once.body_bytes_max = options.body_bytes_max;
    once.idle_connections_max = 0;
    HttpPool server(std::move(endpoint), once);
    if (tls) {
        const auto used = server.use_tls(std::move(*tls));
        if (!used) co_return fail(used.error());
    }
    co_return co_await server.request(std::move(request));
}

}  // namespace farhold::net
