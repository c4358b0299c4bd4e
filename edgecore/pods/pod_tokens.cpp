// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_tokens.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace farhold::pods {

namespace {

constexpr Duration kRetryFirst = std::chrono::seconds(1);
constexpr Duration kRetryLast = std::chrono::minutes(1);
// After a refusal that only a person can mend.
constexpr Duration kRefusedFor = std::chrono::minutes(5);

// Kubernetes grants no less. A clock that runs ahead of the hub's makes tokens look older than they
// are; they are not asked for all the time then.
constexpr Duration kShortestLife = std::chrono::minutes(10);
constexpr Duration kLongestUse = std::chrono::hours(24);

// Up to a tenth less than that.
Duration spread(Duration duration, Random& random) {
    const auto most = static_cast<std::uint64_t>(duration.count() / 10);
    return duration - Duration(static_cast<Duration::rep>(random.between(0, most)));
}

}  // namespace

PodTokens::Look PodTokens::look(
    const Wanted& wanted, const Held& held, Instant now, WallTime trusted
) {
    Look look;
    const auto wait = [&](Instant until) {
        look.next = std::min(look.next.value_or(until), until);
    };
    for (const podspec::TokenTerms& terms : wanted) {
        if (asked_.contains(terms)) {
            continue;
        }
        const auto token = held.find(terms);
        if (token != held.end() && trusted < token->second.refresh_at) {
            wait(now + std::min<Duration>(token->second.refresh_at - trusted, kLongestUse));
            continue;
        }
        const auto refusal = refusals_.find(terms);
        if (refusal != refusals_.end() && now < refusal->second.retry_at) {
            wait(refusal->second.retry_at);
            continue;
        }
        asked_.insert(terms);
        look.due.push_back(terms);
    }
    return look;
}

std::optional<HeldToken> PodTokens::answered(
    const podspec::TokenTerms& terms, const tunnel::Token& token, Instant now, WallTime trusted,
    Random& random
) {
    asked_.erase(terms);
    if (token.token.empty()) {
        Refusal& refusal =
            refusals_.try_emplace(
                         terms, Refusal{.backoff = {kRetryFirst, kRetryLast}}
            ).first->second;
        refusal.reason = token.refusal;
        refusal.retry_at =
            now + (token.retry ? refusal.backoff.next(random) : spread(kRefusedFor, random));
        return std::nullopt;
    }
    refusals_.erase(terms);
    const Duration life = std::max(token.expires - trusted, kShortestLife);
    const Duration use = std::min(life / 5 * 4, kLongestUse);
    return HeldToken{.token = token.token, .refresh_at = trusted + spread(use, random)};
}

void PodTokens::hasten() {
    for (auto& [terms, refusal] : refusals_) {
        refusal.retry_at = Instant{};
    }
}

bool PodTokens::awaits_first(const Wanted& wanted, const Held& held) const {
    return std::ranges::any_of(wanted, [&](const podspec::TokenTerms& terms) {
        return asked_.contains(terms) && !held.contains(terms) && !refusals_.contains(terms);
    });
}

std::string_view PodTokens::trouble(const podspec::TokenTerms& terms) const {
    const auto refusal = refusals_.find(terms);
    if (refusal == refusals_.end()) {
        return "the hub has not answered yet";
    }
    return refusal->second.reason;
}

}  // namespace farhold::pods
