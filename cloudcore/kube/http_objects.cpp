// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kube/http_objects.hpp"

#include "common/base/encoding.hpp"
#include "common/net/endpoint.hpp"

#include <utility>

namespace farhold::kube {

namespace {

constexpr std::string_view kScheme = "https://";

// "https://HOST[:PORT]"; a path before the API's own is not supported.
Result<net::Endpoint> server_endpoint(std::string_view url) {
    const auto bad = [url] {
        return fail(
            ErrorCode::unsupported, "server \"" + std::string(url) + "\": not https://HOST[:PORT]"
        );
    };
    if (!url.starts_with(kScheme)) {
        return bad();
    }
    url.remove_prefix(kScheme.size());
    if (url.ends_with('/')) {
        url.remove_suffix(1);
    }
    const auto colon = url.rfind(':');
    const bool has_port = colon != std::string_view::npos && !url.ends_with(']');
    auto endpoint = net::parse_endpoint(has_port ? std::string(url) : std::string(url) + ":443");
    return endpoint ? endpoint : bad();
}

net::HttpRequest to_http(kubeapi::RestRequest wanted, const std::string& token) {
    net::HttpRequest request;
    request.method = std::move(wanted.method);
    request.target = std::move(wanted.path);
    char separator = '?';
    for (const auto& [key, value] : wanted.query) {
        request.target += separator + percent_encode(key) + "=" + percent_encode(value);
        separator = '&';
    }
    request.headers.add("Accept", "application/json");
    if (!wanted.body.empty()) {
        const bool is_json = wanted.content_type.empty();
        request.headers.add(
            "Content-Type", is_json ? "application/json" : std::move(wanted.content_type)
        );
    }
    if (!token.empty()) {
        request.headers.add("Authorization", "Bearer " + token);
    }
    request.body = std::move(wanted.body);
    return request;
}

}  // namespace

Result<HttpObjects> HttpObjects::open(
    const kubeconfig::Kubeconfig& config, const std::string& path, const Clock& clock
) {
    auto server = server_endpoint(config.server);
    if (!server) {
        return fail(server.error().within(path));
    }
    net::TlsClientConfig tls;
    tls.ca_pem = config.ca_pem;
    tls.server_name = server->host;
    tls.certificate_pem = config.client_certificate_pem;
    tls.private_key_pem = config.client_key_pem;
    tls.trusted_now = [&clock] { return clock.now().wall; };
    return HttpObjects(std::move(*server), std::move(tls), config.token);
}

Task<Result<json::Value>> HttpObjects::ask(kubeapi::RestRequest request) {
    const auto answer =
        co_await net::http_request(server_, tls_, to_http(std::move(request), token_));
    if (!answer) {
        co_return fail(answer.error());
    }
    co_return kubeapi::read_answer(answer->status, answer->body);
}

}  // namespace farhold::kube
