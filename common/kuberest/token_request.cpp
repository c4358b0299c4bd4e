// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/token_request.hpp"

#include "common/kuberest/body.hpp"
#include "common/kubeschema/writes.hpp"
#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace farhold::kuberest {

namespace {

const ObjectKind kKind{"authentication.k8s.io", "v1", "TokenRequest"};

constexpr std::int64_t kDefaultSeconds = 3600;
constexpr std::int64_t kLeastSeconds = 600;
constexpr std::int64_t kMostSeconds = std::int64_t{1} << 32U;

Status refused_field(
    std::string_view name, std::string field, const json::Value& value, std::string_view complaint
) {
    ResourceType type;
    type.group = kKind.group;
    type.kind = kKind.kind;
    return invalid(type, name, {kubeschema::invalid(std::move(field), value, complaint)});
}

ApiResult<> check_seconds(std::int64_t seconds) {
    std::string_view complaint;
    if (seconds < kLeastSeconds) {
        complaint = "may not specify a duration less than 10 minutes";
    } else if (seconds > kMostSeconds) {
        complaint = "may not specify a duration larger than 2^32 seconds";
    } else {
        return {};
    }
    return refuse(refused_field("", "spec.expirationSeconds", json::Value::of(seconds), complaint));
}

// Sets the pod that the token is to end with.
ApiResult<> bind(const Call& call, const json::Value& reference, TokenClaims& claims) {
    const std::string_view kind = reference.text_at({"kind"});
    if (reference.text_at({"apiVersion"}) != "v1" || kind != "Pod") {
        return refuse(bad_request(fmt::format("cannot bind token to object of type {}", kind)));
    }
    const std::string name(reference.text_at({"name"}));
    const auto type = call.registry.find("", "v1", "pods");
    const auto pod = load(call.store, *type, call.target.ns, name);
    if (!pod) {
        return refuse(pod.error());
    }
    if (!*pod) {
        return refuse(not_found(*type, name));
    }
    const json::Value& object = (*pod)->object;
    if (object.text_at({"spec", "serviceAccountName"}) != call.target.name) {
        return refuse(bad_request(fmt::format(
            "cannot bind token for serviceaccount \"{}\" to pod running with different "
            "serviceaccount name.",
            call.target.name
        )));
    }
    const std::string_view wanted = reference.text_at({"uid"});
    if (!wanted.empty() && wanted != object::uid(object)) {
        // This one names the kind.
        ResourceType named = *type;
        named.plural = named.kind;
        return refuse(cannot_fulfil(
            named, name,
            fmt::format(
                "the UID in the bound object reference ({}) does not match the UID in record. The "
                "object might have been deleted and then recreated",
                wanted
            )
        ));
    }
    claims.pod = name;
    claims.pod_uid = object::uid(object);
    return {};
}

// Whether the object of that name is still that one.
ApiResult<bool> is_there(
    kubestore::Store& store, const ResourceType& type, const TokenClaims& claims,
    const std::string& name, const std::string& uid
) {
    const auto found = load(store, type, claims.ns, name);
    if (!found) {
        return refuse(found.error());
    }
    return found->has_value() && object::uid((*found)->object) == uid;
}

}  // namespace

ApiResult<Response> create_token(const Call& call) {
    const ApiResult<WriteOptions> options = read_write_options(call.request.query, "CreateOptions");
    if (!options) {
        return refuse(options.error());
    }
    ApiResult<DecodedBody> body = decode_object(call.request, kKind);
    if (!body) {
        return refuse(body.error());
    }
    json::Value& request = body->object;
    std::vector<std::string> unknown;
    const auto& type = *kubeschema::FieldTable::built_in().find(kKind.kind);
    if (const auto fits = kubeschema::conform_message(type, request, unknown); !fits) {
        return refuse(bad_request(fmt::format(
            "TokenRequest in version \"v1\" cannot be handled as a TokenRequest: {}",
            fits.error().message()
        )));
    }
    const std::string_view name = object::name(request);
    if (!name.empty() && name != call.target.name) {
        return refuse(refused_field(
            call.target.name, "metadata.name", json::Value::of(name),
            "must match the service account name if specified"
        ));
    }
    const ApiResult<StoredObject> account = load_target(call);
    if (!account) {
        return refuse(account.error());
    }
    const std::int64_t seconds = request.integer_at({"spec", "expirationSeconds"}, kDefaultSeconds);
    if (const auto fits = check_seconds(seconds); !fits) {
        return refuse(fits.error());
    }
    const auto issued = std::chrono::floor<std::chrono::seconds>(call.now);
    TokenClaims claims{
        .ns = call.target.ns,
        .account = call.target.name,
        .account_uid = std::string(object::uid(account->object)),
        .pod = {},
        .pod_uid = {},
        .audiences = {},
        .issued = issued,
        .expires = issued + std::chrono::seconds(seconds),
        .id = call.random.uuid(),
    };
    for (const json::Value& audience : request.elements_at({"spec", "audiences"})) {
        claims.audiences.emplace_back(audience.string().value_or(""));
    }
    if (claims.audiences.empty()) {
        claims.audiences.emplace_back(kTokenIssuer);
    }
    const json::Value* reference = request.at_path({"spec", "boundObjectRef"});
    if (reference != nullptr && reference->is_object()) {
        if (const auto bound = bind(call, *reference, claims); !bound) {
            return refuse(bound.error());
        }
    }
    json::Value audiences = json::Value::make_array();
    for (const std::string& audience : claims.audiences) {
        audiences.array().push_back(json::Value::of(audience));
    }
    request.ensure_path({"metadata", "name"}) = json::Value::of(call.target.name);
    request.ensure_path({"metadata", "namespace"}) = json::Value::of(call.target.ns);
    request.ensure_path({"metadata", "uid"}) = json::Value::of(call.random.uuid());
    request.ensure_path({"metadata", "creationTimestamp"}) =
        json::Value::of(object::format_time(call.now));
    request.ensure_path({"spec", "audiences"}) = std::move(audiences);
    if (reference == nullptr) {
        request["spec"].set("boundObjectRef", json::Value());
    }
    request.ensure_path({"spec", "expirationSeconds"}) = json::Value::of(seconds);
    request.ensure_path({"status", "token"}) = json::Value::of(call.tokens.sign(claims));
    request.ensure_path({"status", "expirationTimestamp"}) =
        json::Value::of(object::format_time(claims.expires));
    return Response(201, request.dump());
}

ApiResult<UserInfo> user_of_token(
    kubestore::Store& store, const kubeschema::Registry& registry, const AccountTokens& tokens,
    std::string_view token, WallTime now
) {
    const auto claims = tokens.verify(token, now);
    if (!claims) {
        return refuse(unauthorized());
    }
    const auto accounts = registry.find("", "v1", "serviceaccounts");
    auto valid = is_there(store, *accounts, *claims, claims->account, claims->account_uid);
    if (valid && *valid && !claims->pod.empty()) {
        const auto pods = registry.find("", "v1", "pods");
        valid = is_there(store, *pods, *claims, claims->pod, claims->pod_uid);
    }
    if (!valid) {
        return refuse(valid.error());
    }
    if (!*valid) {
        return refuse(unauthorized());
    }
    return UserInfo{
        .name = fmt::format("system:serviceaccount:{}:{}", claims->ns, claims->account),
        .groups =
            {
                "system:serviceaccounts",
                "system:serviceaccounts:" + claims->ns,
                "system:authenticated",
            },
    };
}

}  // namespace farhold::kuberest
