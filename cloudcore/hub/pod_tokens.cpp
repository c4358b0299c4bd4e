// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/pod_tokens.hpp"

#include "common/json/value.hpp"
#include "common/object/time_text.hpp"

#include <string>
#include <utility>

namespace farhold::hub {

namespace {

json::Value to_object(const tunnel::TokenWish& wish) {
    json::Value object = json::Value::make_object({
        {"apiVersion", json::Value::of("authentication.k8s.io/v1")},
        {"kind", json::Value::of("TokenRequest")},
    });
    object.ensure_path({"metadata", "name"}) = json::Value::of(wish.service_account);
    json::Value& spec = object.ensure_path({"spec"});
    if (!wish.audience.empty()) {
        json::Value audiences = json::Value::make_array();
        audiences.array().push_back(json::Value::of(wish.audience));
        spec.set("audiences", std::move(audiences));
    }
    spec.set("expirationSeconds", json::Value::of(wish.expiration_seconds));
    spec.set(
        "boundObjectRef", json::Value::make_object({
                              {"apiVersion", json::Value::of("v1")},
                              {"kind", json::Value::of("Pod")},
                              {"name", json::Value::of(wish.pod)},
                              {"uid", json::Value::of(wish.pod_uid)},
                          })
    );
    return object;
}

// What a person has to mend is not asked for soon again.
bool may_pass(ErrorCode code) {
    switch (code) {
        case ErrorCode::not_found:
        case ErrorCode::permission_denied:
        case ErrorCode::invalid_argument:
        case ErrorCode::conflict:
            return false;
        default:
            return true;
    }
}

tunnel::Token refused(std::string reason, bool retry) {
    return {.refusal = std::move(reason), .retry = retry};
}

tunnel::Token read_token(const Result<json::Value>& answer) {
    if (!answer) {
        return refused(answer.error().message(), may_pass(answer.error().code()));
    }
    const auto expires = object::parse_time(answer->text_at({"status", "expirationTimestamp"}));
    std::string token(answer->text_at({"status", "token"}));
    if (token.empty() || token.size() > tunnel::kTokenBytesMax || !expires) {
        return refused("Kubernetes answers without a token that can be used", true);
    }
    return {.token = std::move(token), .expires = *expires};
}

}  // namespace

Task<tunnel::Token> mint_token(kubeapi::KubeObjects& client, tunnel::TokenRequest request) {
    const auto answer = co_await client.create(
        kubeapi::kServiceAccounts, request.wish.ns, to_object(request.wish), "token"
    );
    tunnel::Token token = read_token(answer);
    token.id = request.id;
    co_return token;
}

}  // namespace farhold::hub
