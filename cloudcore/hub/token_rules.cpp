// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/token_rules.hpp"

#include "common/json/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace farhold::hub {

namespace {

// Kubernetes' own, where the source names none.
constexpr std::int64_t kDefaultSeconds = 3600;

bool asks_for(const json::Value& source, const tunnel::TokenWish& wish) {
    const json::Value* token = source.find("serviceAccountToken");
    return token != nullptr && token->text_at({"audience"}) == wish.audience &&
           token->integer_at({"expirationSeconds"}, kDefaultSeconds) == wish.expiration_seconds;
}

bool has_source(const json::Value& pod, const tunnel::TokenWish& wish) {
    return std::ranges::any_of(pod.elements_at({"spec", "volumes"}), [&](const auto& volume) {
        return std::ranges::any_of(
            volume.elements_at({"projected", "sources"}),
            [&](const json::Value& source) { return asks_for(source, wish); }
        );
    });
}

}  // namespace

std::optional<tunnel::Token> refuse_token(
    const tunnel::TokenRequest& request, const views::NodeView& view
) {
    const tunnel::TokenWish& wish = request.wish;
    const auto refused = [&](std::string reason, bool retry) {
        return tunnel::Token{.id = request.id, .refusal = std::move(reason), .retry = retry};
    };
    const auto found = view.find({.kind = "Pod", .ns = wish.ns, .name = wish.pod});
    if (found == nullptr || found->uid != wish.pod_uid) {
        // The machine may know more than this hub, for a moment.
        return refused(
            fmt::format("pod {}/{} of that uid is not on this machine", wish.ns, wish.pod), true
        );
    }
    const auto pod = json::Value::parse(found->content);
    if (!pod) {
        return refused(pod.error().message(), false);
    }
    if (wish.service_account.empty() ||
        pod->text_at({"spec", "serviceAccountName"}) != wish.service_account) {
        return refused(
            fmt::format("the pod does not run as ServiceAccount \"{}\"", wish.service_account),
            false
        );
    }
    if (!has_source(*pod, wish)) {
        return refused("the pod has no volume with such a token", false);
    }
    return std::nullopt;
}

}  // namespace farhold::hub
