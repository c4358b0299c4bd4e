// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kubelet/access_reviews.hpp"

#include "common/base/sha256.hpp"
#include "common/json/value.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <utility>

namespace farhold::kubelet {
namespace {

using json::Value;

const kubeapi::ResourceRef kTokenReviews{"authentication.k8s.io", "v1", "tokenreviews"};
const kubeapi::ResourceRef kAccessReviews{"authorization.k8s.io", "v1", "subjectaccessreviews"};

// A kubelet's own times.
constexpr Duration kAllowedFor = std::chrono::minutes(5);
constexpr Duration kDeniedFor = std::chrono::seconds(30);
constexpr Duration kTokenFor = std::chrono::minutes(2);
constexpr std::size_t kRememberedMax = 10'000;

Value texts(const std::vector<std::string>& list) {
    Value array = Value::make_array();
    for (const std::string& text : list) array.push_back(Value::of(text));
    return array;
}

Value review(std::string_view group, std::string_view kind, Value spec) {
    return Value::make_object({
        {"apiVersion", Value::of(fmt::format("{}/v1", group))},
        {"kind", Value::of(kind)},
        {"metadata", Value::make_object()},
        {"spec", std::move(spec)},
    });
}

bool is_true(const Value& object, json::Path path) {
    const Value* value = object.at_path(path);
    return value != nullptr && *value == Value::of(true);
}

}  // namespace

Task<Result<Asker>> AccessReviews::who_has(std::string token) {
    const std::string hash = sha256(token);
    const Instant now = clock_.now().mono;
    const auto known = tokens_.find(hash);
    if (known != tokens_.end() && now < known->second.until) co_return known->second.asker;
    Value spec = Value::make_object({{"token", Value::of(token)}});
    Value asked = review(kTokenReviews.group, "TokenReview", std::move(spec));
    const auto answer = co_await client_.create(kTokenReviews, "", std::move(asked), {});
    if (!answer) co_return fail(answer.error().within("TokenReview"));
    if (!is_true(*answer, {"status", "authenticated"})) {
        co_return fail(ErrorCode::unauthenticated, "the cluster does not know this token");
    }
    Asker asker{.name = std::string(answer->text_at({"status", "user", "username"})), .groups = {}};
    for (const Value& group : answer->elements_at({"status", "user", "groups"})) {
        asker.groups.emplace_back(group.string().value_or(""));
    }
    if (tokens_.size() >= kRememberedMax) tokens_.clear();
    tokens_[hash] = {asker, now + kTokenFor};
    co_return asker;
}

Task<Result<>> AccessReviews::may(Asker asker, Access access) {
    const std::string question = fmt::format(
        "{}\n{}\n{}\n{}\n{}", asker.name, fmt::join(asker.groups, ","), access.verb,
        access.subresource, access.node
    );
    const Instant now = clock_.now().mono;
    auto known = verdicts_.find(question);
    if (known == verdicts_.end() || now >= known->second.until) {
        Value resource = Value::make_object({
            {"verb", Value::of(access.verb)},
            {"version", Value::of("v1")},
            {"resource", Value::of("nodes")},
            {"subresource", Value::of(access.subresource)},
            {"name", Value::of(access.node)},
        });
        Value spec = Value::make_object({
            {"user", Value::of(asker.name)},
            {"groups", texts(asker.groups)},
            {"resourceAttributes", std::move(resource)},
        });
        Value asked = review(kAccessReviews.group, "SubjectAccessReview", std::move(spec));
        const auto answer = co_await client_.create(kAccessReviews, "", std::move(asked), {});
        if (!answer) co_return fail(answer.error().within("SubjectAccessReview"));
        const bool allowed = is_true(*answer, {"status", "allowed"});
        if (verdicts_.size() >= kRememberedMax) verdicts_.clear();
        const Verdict verdict{allowed, now + (allowed ? kAllowedFor : kDeniedFor)};
        known = verdicts_.insert_or_assign(question, verdict).first;
    }
    if (known->second.allowed) co_return Result<>{};
    co_return fail(
        ErrorCode::permission_denied,
        fmt::format(
            "Forbidden (user={}, verb={}, resource=nodes, subresource(s)=[{}])", asker.name,
            access.verb, access.subresource
        )
    );
}

}  // namespace farhold::kubelet
