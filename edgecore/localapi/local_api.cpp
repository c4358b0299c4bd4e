// SPDX-License-Identifier: Apache-2.0
#include "edgecore/localapi/local_api.hpp"

#include "common/kubeconfig/kubeconfig.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/http_client.hpp"
#include "common/net/http_server.hpp"
#include "edgecore/localapi/local_credentials.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::localapi {

namespace {

constexpr std::string_view kStatusPath = "/farhold/v1/status";
constexpr std::string_view kDevicesPath = "/farhold/v1/devices";
constexpr std::string_view kDesiredPath = "/farhold/v1/devices/desired";
constexpr std::size_t kBodyBytesMax = 4096;

int status_of(const Error& error) {
    switch (error.code()) {
        case ErrorCode::invalid_argument:
            return 400;
        case ErrorCode::not_found:
            return 404;
        case ErrorCode::conflict:
            return 409;
        default:
            return 503;
    }
}

ErrorCode code_of(int status) {
    switch (status) {
        case 400:
            return ErrorCode::invalid_argument;
        case 404:
            return ErrorCode::not_found;
        case 409:
            return ErrorCode::conflict;
        default:
            return ErrorCode::unavailable;
    }
}

Task<net::HttpResponse> set_desired(const Sources& sources, std::string body) {
    const auto parsed = json::Value::parse(body);
    if (!parsed) co_return net::text_response(400, parsed.error().message());
    const auto text = [&](std::string_view member) {
        return std::string(parsed->text_at({member}));
    };
    DesiredValue value{
        .device = text("device"),
        .property = text("property"),
        .value = text("value"),
        .who = text("who"),
    };
    if (value.device.empty() || value.property.empty()) {
        co_return net::text_response(400, "device and property must be given");
    }
    if (value.who.empty()) value.who = "local API";
    const auto done = co_await sources.set_desired(std::move(value));
    if (!done) co_return net::text_response(status_of(done.error()), done.error().message());
    co_return net::json_response(200, "{}");
}

Task<> answer(net::HttpExchange& exchange, const Sources& sources) {
    const net::HttpRequest& request = exchange.request();
    net::HttpResponse response;
    const bool is_set = request.method == "PUT" && request.path() == kDesiredPath;
    if (request.method != "GET" && !is_set) {
        response = net::text_response(405, "only GET is served here\n");
    } else if (request.path() == "/healthz") {
        response = net::text_response(200, "ok");
    } else if (!exchange.peer().has_certificate) {
        response = net::text_response(401, "show the client certificate of local.kubeconfig\n");
    } else if (request.path() == kStatusPath) {
        response = net::json_response(200, sources.status().dump());
    } else if (is_set) {
        response = co_await set_desired(sources, request.body);
    } else if (request.path() == kDevicesPath) {
        response = net::json_response(200, sources.devices().dump());
    } else if (request.path() == "/metrics") {
        response = net::text_response(200, sources.metrics());
    } else {
        response = net::text_response(404, "404 page not found\n");
    }
    // A peer that has gone away needs no answer.
    [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(response));
}

Result<net::Endpoint> endpoint_of(std::string_view server) {
    constexpr std::string_view scheme = "https://";
    if (server.starts_with(scheme)) server.remove_prefix(scheme.size());
    return net::parse_endpoint(server);
}

}  // namespace

struct LocalApi::Impl {
    Sources sources;
    std::unique_ptr<net::HttpServer> server;
};

LocalApi::LocalApi(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalApi::~LocalApi() = default;

Result<std::unique_ptr<LocalApi>> LocalApi::start(
    Executor executor, net::Endpoint listen, std::filesystem::path data_dir, Sources sources,
    WallTime now, log::Logger logger
) {
    auto credentials = open_local_credentials(data_dir / "local", now);
    if (!credentials) return fail(credentials.error().within("local API"));
    net::HttpServerConfig config;
    config.listen = std::move(listen);
    config.body_bytes_max = kBodyBytesMax;
    config.tls = net::TlsServerConfig{
        .certificate_chain_pem = credentials->server_certificate_pem,
        .private_key_pem = credentials->server_key_pem,
        .client_ca_pem = credentials->ca_pem,
        // Both ends are on this machine and the client key is root's: its age proves nothing.
        .trusted_now = [issued = credentials->issued] { return issued; },
    };
    auto impl = std::make_unique<Impl>();
    impl->sources = std::move(sources);
    auto server = net::HttpServer::start(
        std::move(executor), std::move(config),
        [raw = impl.get()](net::HttpExchange& exchange) { return answer(exchange, raw->sources); }
    );
    if (!server) return fail(server.error().within("local API"));
    impl->server = std::move(*server);
    const std::string address = fmt::format("https://127.0.0.1:{}", impl->server->port());
    if (auto written = write_kubeconfig(data_dir, *credentials, address); !written) {
        logger.warning("local.kubeconfig not written", {{"error", written.error().message()}});
    }
    return std::unique_ptr<LocalApi>(new LocalApi(std::move(impl)));
}

std::uint16_t LocalApi::port() const {
    return impl_->server->port();
}

Task<> LocalApi::stop() {
    co_await impl_->server->stop(std::chrono::seconds(1));
}

namespace {

Task<Result<net::HttpResponse>> ask(std::filesystem::path data_dir, net::HttpRequest request) {
    auto config = read_kubeconfig(data_dir);
    if (!config) co_return fail(config.error());
    auto endpoint = endpoint_of(config->server);
    if (!endpoint) co_return fail(endpoint.error());
    auto issued = issue_time(*config);
    if (!issued) co_return fail(issued.error());
    net::TlsClientConfig tls;
    tls.ca_pem = config->ca_pem;
    tls.server_name = endpoint->host;
    tls.certificate_pem = config->client_certificate_pem;
    tls.private_key_pem = config->client_key_pem;
    tls.trusted_now = [time = *issued] { return time; };
    net::HttpClientOptions options;
    options.timeout = std::chrono::seconds(5);
    auto response =
        co_await net::http_request(*endpoint, std::move(tls), std::move(request), options);
    if (!response) co_return fail(response.error().within("ask edgecore"));
    co_return std::move(*response);
}

Task<Result<json::Value>> get(std::filesystem::path data_dir, std::string path) {
    net::HttpRequest request;
    request.target = std::move(path);
    auto response = co_await ask(std::move(data_dir), std::move(request));
    if (!response) co_return fail(response.error());
    if (response->status != 200) {
        co_return fail(ErrorCode::internal, fmt::format("edgecore answered {}", response->status));
    }
    co_return json::Value::parse(response->body);
}

}  // namespace

Task<Result<json::Value>> request_status(std::filesystem::path data_dir) {
    co_return co_await get(std::move(data_dir), std::string(kStatusPath));
}

Task<Result<json::Value>> request_devices(std::filesystem::path data_dir) {
    co_return co_await get(std::move(data_dir), std::string(kDevicesPath));
}

Task<Result<>> request_desired(std::filesystem::path data_dir, DesiredValue value) {
    json::Value body = json::Value::make_object();
    body.set("device", json::Value::of(value.device));
    body.set("property", json::Value::of(value.property));
    body.set("value", json::Value::of(value.value));
    body.set("who", json::Value::of(value.who));
    net::HttpRequest request;
    request.method = "PUT";
    request.target = std::string(kDesiredPath);
    request.body = body.dump();
    auto response = co_await ask(std::move(data_dir), std::move(request));
    if (!response) co_return fail(response.error());
    if (response->status != 200) co_return fail(code_of(response->status), response->body);
    co_return Result<>{};
}

}  // namespace farhold::localapi
