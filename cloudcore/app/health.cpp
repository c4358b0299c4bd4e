// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/health.hpp"

#include <utility>

namespace farhold::cloud {

namespace {

class HealthHandler {
public:
    HealthHandler(const metrics::Registry& registry, Readiness readiness)
        : registry_(registry), readiness_(std::move(readiness)) {}

    // The exchange outlives the coroutine, the handler the server.
    Task<> answer(net::HttpExchange& exchange) const {
        net::HttpResponse response = respond_to(exchange.request());
        // A prober that has gone away needs no answer.
        [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(response));
    }

private:
    [[nodiscard]] net::HttpResponse respond_to(const net::HttpRequest& request) const {
        if (request.method != "GET") return net::text_response(405, "only GET is served here\n");
        if (request.path() == "/healthz") return net::text_response(200, "ok");
        if (request.path() == "/metrics") return net::text_response(200, registry_.render());
        if (request.path() == "/readyz") {
            const std::string missing = readiness_();
            return missing.empty() ? net::text_response(200, "ok")
                                   : net::text_response(503, missing + "\n");
        }
        return net::text_response(404, "404 page not found\n");
    }

    const metrics::Registry& registry_;
    Readiness readiness_;
};

}  // namespace

Result<std::unique_ptr<net::HttpServer>> start_health_server(
    Executor executor, net::Endpoint listen, const metrics::Registry& registry, Readiness readiness
) {
    net::HttpServerConfig config;
    config.listen = std::move(listen);
    config.body_bytes_max = 0;
    // Shared with nobody but the server, which must be able to copy its handler.
    auto handler = std::make_shared<const HealthHandler>(registry, std::move(readiness));
    return net::HttpServer::start(
        std::move(executor), std::move(config),
        [handler](net::HttpExchange& exchange) { return handler->answer(exchange); }
    );
}

}  // namespace farhold::cloud
