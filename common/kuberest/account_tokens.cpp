// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/account_tokens.hpp"

#include "common/base/encoding.hpp"
#include "common/json/value.hpp"
#include "common/pki/signature.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace farhold::kuberest {

namespace {

using json::Value;

std::int64_t seconds_of(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

Value reference(const std::string& name, const std::string& uid) {
    return Value::make_object({{"name", Value::of(name)}, {"uid", Value::of(uid)}});
}

Value to_json(const TokenClaims& claims) {
    Value audiences = Value::make_array();
    for (const std::string& audience : claims.audiences) {
        audiences.array().push_back(Value::of(audience));
    }
    Value objects = Value::make_object({
        {"namespace", Value::of(claims.ns)},
        {"serviceaccount", reference(claims.account, claims.account_uid)},
    });
    if (!claims.pod.empty()) {
        objects.set("pod", reference(claims.pod, claims.pod_uid));
    }
    return Value::make_object({
        {"aud", std::move(audiences)},
        {"exp", Value::of(seconds_of(claims.expires))},
        {"iat", Value::of(seconds_of(claims.issued))},
        {"iss", Value::of(kTokenIssuer)},
        {"jti", Value::of(claims.id)},
        {"kubernetes.io", std::move(objects)},
        {"nbf", Value::of(seconds_of(claims.issued))},
        {"sub", Value::of(fmt::format("system:serviceaccount:{}:{}", claims.ns, claims.account))},
    });
}

// Only of a payload that we have signed ourselves.
TokenClaims from_json(const Value& payload) {
    const auto text = [&](json::Path path) { return std::string(payload.text_at(path)); };
    const auto time = [&](json::Path path) {
        return WallTime(std::chrono::seconds(payload.integer_at(path, 0)));
    };
    TokenClaims claims{
        .ns = text({"kubernetes.io", "namespace"}),
        .account = text({"kubernetes.io", "serviceaccount", "name"}),
        .account_uid = text({"kubernetes.io", "serviceaccount", "uid"}),
        .pod = text({"kubernetes.io", "pod", "name"}),
        .pod_uid = text({"kubernetes.io", "pod", "uid"}),
        .audiences = {},
        .issued = time({"iat"}),
        .expires = time({"exp"}),
        .id = text({"jti"}),
    };
    for (const Value& audience : payload.elements_at({"aud"})) {
        claims.audiences.emplace_back(audience.string().value_or(""));
    }
    return claims;
}

}  // namespace

std::string AccountTokens::sign(const TokenClaims& claims) const {
    const Value header = Value::make_object({
        {"alg", Value::of("ES256")},
        {"kid", Value::of(key_.public_key().id())},
    });
    std::string text =
        base64url_encode(header.dump()) + "." + base64url_encode(to_json(claims).dump());
    const std::string signature = base64url_encode(pki::sign_es256(key_, text));
    return text + "." + signature;
}

// The header is not read: there is one key and one algorithm, whatever it says.
Result<TokenClaims> AccountTokens::verify(std::string_view token, WallTime now) const {
    const auto refused = [](const char* why) { return fail(ErrorCode::unauthenticated, why); };
    const std::size_t end = token.rfind('.');
    if (token.size() > kAccountTokenBytesMax || end == std::string_view::npos) {
        return refused("not a token");
    }
    const std::string_view text = token.substr(0, end);
    const auto signature = base64url_decode(token.substr(end + 1));
    if (!signature || !pki::verify_es256(key_.public_key(), text, *signature)) {
        return refused("a token of somebody else");
    }
    const auto payload = base64url_decode(text.substr(text.find('.') + 1));
    const auto object = payload ? Value::parse(*payload) : Result<Value>(fail(payload.error()));
    if (!object) {
        return refused("not a token");
    }
    TokenClaims claims = from_json(*object);
    if (claims.expires <= now) {
        return refused("the token has expired");
    }
    if (std::ranges::find(claims.audiences, kTokenIssuer) == claims.audiences.end()) {
        return refused("a token for somebody else");
    }
    return claims;
}

}  // namespace farhold::kuberest
