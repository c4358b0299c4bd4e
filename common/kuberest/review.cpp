// SPDX-License-Identifier: Apache-2.0
//
// What a user asks about itself: `kubectl auth whoami`, `kubectl auth can-i`.
#include "common/kuberest/body.hpp"
#include "common/kuberest/verbs.hpp"
#include "common/kuberest/write_rules.hpp"
#include "common/object/time_text.hpp"

#include <utility>

namespace farhold::kuberest {
namespace {

using json::Value;

Value texts(std::initializer_list<std::string_view> list) {
    Value array = Value::make_array();
    for (const std::string_view text : list) {
        array.push_back(Value::of(text));
    }
    return array;
}

Value user_info(const UserInfo& user) {
    Value groups = Value::make_array();
    for (const std::string& group : user.groups) {
        groups.push_back(Value::of(group));
    }
    return Value::make_object({{"username", Value::of(user.name)}, {"groups", std::move(groups)}});
}

// What api.cpp lets users do: all or nothing, but ask about themselves and look at the server's health.
Value rules(const UserInfo& user) {
    Value resources = Value::make_array();
    Value others = Value::make_array();
    if (user.is_master()) {
        resources.push_back(Value::make_object(
            {{"verbs", texts({"*"})}, {"apiGroups", texts({"*"})}, {"resources", texts({"*"})}}
        ));
        others.push_back(
            Value::make_object({{"verbs", texts({"*"})}, {"nonResourceURLs", texts({"*"})}})
        );
    }
    resources.push_back(Value::make_object({
        {"verbs", texts({"create"})},
        {"apiGroups", texts({"authorization.k8s.io"})},
        {"resources", texts({"selfsubjectaccessreviews", "selfsubjectrulesreviews"})},
    }));
    resources.push_back(Value::make_object({
        {"verbs", texts({"create"})},
        {"apiGroups", texts({"authentication.k8s.io"})},
        {"resources", texts({"selfsubjectreviews"})},
    }));
    others.push_back(Value::make_object({
        {"verbs", texts({"get"})},
        {"nonResourceURLs", texts({"/healthz", "/livez", "/readyz", "/version", "/version/"})},
    }));
    return Value::make_object({
        {"resourceRules", std::move(resources)},
        {"nonResourceRules", std::move(others)},
        {"incomplete", Value::of(false)},
    });
}

// What is asked is about one thing.
ApiResult<> check_access(const Call& call, const Value& review) {
    const Value* resource = review.at_path({"spec", "resourceAttributes"});
    const Value* path = review.at_path({"spec", "nonResourceAttributes"});
    if ((resource != nullptr) != (path != nullptr)) {
        return {};
    }
    // Upstream does not name the kind.
    ResourceType unnamed = call.type();
    unnamed.kind.clear();
    return refuse(invalid(
        unnamed, "",
        {kubeschema::invalid(
            "spec", path != nullptr ? *path : Value(),
            "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        )}
    ));
}

}  // namespace

ApiResult<Response> answer_review(const Call& call) {
    const ApiResult<WriteOptions> options = read_write_options(call.request.query, "CreateOptions");
    if (!options) {
        return refuse(options.error());
    }
    ApiResult<DecodedBody> body = decode_object(call.request, kind_of(call.type()));
    if (!body) {
        return refuse(body.error());
    }
    Value& review = body->object;
    const auto warnings = complete_object(
        call.type(), review, {{}, std::move(body->duplicates)}, options->field_validation
    );
    if (!warnings) {
        return refuse(warnings.error());
    }
    const UserInfo& user = call.request.user;
    const std::string& kind = call.type().kind;
    if (kind == "SelfSubjectReview") {
        review.ensure_path({"metadata", "creationTimestamp"}) =
            Value::of(object::format_time(call.now));
        review.set("status", Value::make_object({{"userInfo", user_info(user)}}));
    } else if (kind == "SelfSubjectRulesReview") {
        review.set("spec", Value::make_object());
        review.set("status", rules(user));
    } else if (const ApiResult<> fits = check_access(call, review); !fits) {
        return refuse(fits.error());
    } else {
        review.set("status", Value::make_object({{"allowed", Value::of(user.is_master())}}));
    }
    return answer(call, 201, review.dump(), *warnings);
}

}  // namespace farhold::kuberest
