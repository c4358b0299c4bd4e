// SPDX-License-Identifier: Apache-2.0
#include "edgecore/security/join.hpp"

#include "common/datadir/data_dir.hpp"
#include "common/json/value.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/http_client.hpp"

#include <cstdio>
#include <utility>

namespace farhold::security {

namespace {

using json::Value;

constexpr std::string_view kScheme = "wss://";
constexpr std::string_view kDefaultPort = ":10000";

#if defined(__x86_64__)
constexpr std::string_view kArchitecture = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view kArchitecture = "arm64";
#else
#error "Farhold runs on amd64 and arm64"
#endif

std::string pending_key_path(const std::string& dir) {
    return dir + "/join.key";
}

// The key of an earlier attempt, whose answer may have been lost, or a new one.
Result<pki::PrivateKey> pending_key(const std::string& dir) {
    const std::string path = pending_key_path(dir);
    if (const auto text = datadir::read_file(path); text) {
        if (auto key = pki::PrivateKey::from_pem(*text); key) {
            return key;
        }
    } else if (text.error().code() != ErrorCode::not_found) {
        return fail(text.error());
    }
    auto key = pki::PrivateKey::generate();
    if (auto done = datadir::write_file(path, key.to_pem(), 0600); !done) {
        return fail(done.error());
    }
    return key;
}

net::HttpRequest enrol_request(const JoinRequest& join, const pki::PrivateKey& key) {
    Value labels = Value::make_object();
    for (const auto& [name, value] : join.labels) {
        labels.set(name, Value::of(value));
    }
    Value body = Value::make_object();
    body.set("token", Value::of(pki::to_text(join.token)));
    body.set("node", Value::of(join.node_name));
    body.set("architecture", Value::of(kArchitecture));
    body.set("labels", std::move(labels));
    Value& taints = body.set("taints", Value::make_array());
    for (const object::Taint& taint : join.taints) {
        Value& one = taints.push_back(Value::make_object());
        one.set("key", Value::of(taint.key));
        one.set("value", Value::of(taint.value));
        one.set("effect", Value::of(taint.effect));
    }
    body.set("certificateRequest", Value::of(pki::make_certificate_request(key)));
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/v1/enrol";
    request.headers.add("Content-Type", "application/json");
    request.body = body.dump();
    return request;
}

ErrorCode code_of(int status) {
    switch (status) {
        case 400:
            return ErrorCode::invalid_argument;
        case 401:
        case 403:
            return ErrorCode::permission_denied;
        case 404:
            return ErrorCode::not_found;
        case 409:
            return ErrorCode::already_exists;
        case 429:
        case 503:
            return ErrorCode::unavailable;
        default:
            return ErrorCode::internal;
    }
}

Error refusal(const net::HttpResponse& response) {
    const auto body = Value::parse(response.body);
    const std::string why(body ? body->text_at({"error"}) : std::string_view());
    const std::string status = std::to_string(response.status);
    return {
        code_of(response.status), "the hub answered " + status + (why.empty() ? "" : ": " + why)
    };
}

}  // namespace

Result<Joined> read_enrol_answer(
    const std::string& text, const pki::PrivateKey& key, const pki::JoinToken& token
) {
    const auto body = Value::parse(text);
    if (!body) {
        return fail(body.error().within("the hub's answer"));
    }
    auto credentials = make_credentials(key, body->text_at({"certificate"}), body->text_at({"ca"}));
    if (!credentials) {
        return fail(credentials.error().within("the hub's answer"));
    }
    if (credentials->authority.key_id != token.ca_key_id) {
        return fail(
            ErrorCode::unauthenticated, "the hub's answer: not the CA that the token names"
        );
    }
    Joined joined{std::move(*credentials), {}};
    const Value* hubs = body->find("hubs");
    if (hubs == nullptr || !hubs->is_array()) {
        return joined;
    }
    for (const Value& hub : hubs->array()) {
        auto endpoint = net::parse_endpoint(hub.string().value_or(""));
        if (!endpoint) {
            return fail(endpoint.error().within("the hub's answer"));
        }
        joined.hubs.push_back(std::move(*endpoint));
    }
    return joined;
}

Result<net::Endpoint> parse_hub_url(std::string_view url) {
    if (!url.starts_with(kScheme)) {
        return fail(
            ErrorCode::invalid_argument, "\"" + std::string(url) + "\" is not wss://HOST[:PORT]"
        );
    }
    std::string host(url.substr(kScheme.size()));
    if (host.ends_with('/')) {
        host.pop_back();
    }
    const bool has_port = host.find(':') != std::string::npos && !host.ends_with(']');
    return net::parse_endpoint(has_port ? host : host + std::string(kDefaultPort));
}

Result<std::map<std::string, std::string>> parse_labels(const std::vector<std::string>& texts) {
    std::map<std::string, std::string> labels;
    for (const auto& text : texts) {
        const auto equals = text.find('=');
        const std::string key = text.substr(0, equals);
        const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
        if (equals == std::string::npos) {
            return fail(ErrorCode::invalid_argument, "label \"" + text + "\" is not KEY=VALUE");
        }
        if (const auto complaint = object::check_machine_label(key, value)) {
            return fail(ErrorCode::invalid_argument, "label \"" + text + "\": " + *complaint);
        }
        labels[key] = value;
    }
    return labels;
}

Result<std::vector<object::Taint>> parse_taints(const std::vector<std::string>& texts) {
    std::vector<object::Taint> taints;
    for (const std::string& text : texts) {
        auto taint = object::parse_taint(text);
        if (!taint) {
            return fail(taint.error());
        }
        taints.push_back(std::move(*taint));
    }
    return taints;
}

Task<Result<Joined>> join(
    std::string dir, JoinRequest request, std::function<WallTime()> trusted_now
) {
    if (const auto existing = load_credentials(dir); existing) {
        co_return fail(
            ErrorCode::already_exists, "this machine is node \"" + existing->identity.node +
                                           "\" already; `edgecore leave` first"
        );
    } else if (existing.error().code() != ErrorCode::not_found) {
        co_return fail(existing.error());
    }
    const auto key = pending_key(dir);
    if (!key) {
        co_return fail(key.error());
    }
    net::TlsClientConfig tls;
    tls.ca_spki_sha256_hex = request.token.ca_key_id;
    tls.server_name = request.hub.host;
    tls.tls13_only = true;
    tls.trusted_now = std::move(trusted_now);
    const auto response =
        co_await net::http_request(request.hub, std::move(tls), enrol_request(request, *key));
    if (!response) {
        co_return fail(response.error());
    }
    if (response->status != 200) {
        co_return fail(refusal(*response));
    }
    auto joined = read_enrol_answer(response->body, *key, request.token);
    if (!joined) {
        co_return fail(joined.error());
    }
    if (joined->hubs.empty()) {
        joined->hubs.push_back(request.hub);
    }
    if (auto saved = save_credentials(dir, joined->credentials); !saved) {
        co_return fail(saved.error());
    }
    std::remove(pending_key_path(dir).c_str());
    co_return joined;
}

Task<Result<void>> leave(
    std::string dir, net::Endpoint hub, std::function<WallTime()> trusted_now
) {
    const auto credentials = load_credentials(dir);
    if (!credentials) {
        co_return fail(credentials.error());
    }
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/v1/leave";
    auto tls = client_tls(*credentials, hub.host, std::move(trusted_now));
    const auto response =
        co_await net::http_request(std::move(hub), std::move(tls), std::move(request));
    if (auto forgotten = forget_credentials(dir); !forgotten) {
        co_return fail(forgotten.error());
    }
    if (!response) {
        co_return fail(response.error());
    }
    if (response->status != 200) {
        co_return fail(refusal(*response));
    }
    co_return Result<void>();
}

}  // namespace farhold::security
