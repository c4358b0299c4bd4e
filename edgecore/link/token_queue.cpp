// SPDX-License-Identifier: Apache-2.0
#include "edgecore/link/token_queue.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace farhold::link {

void TokenQueue::want(tunnel::TokenWish wish) {
    const bool is_asked =
        std::ranges::any_of(asked_, [&](const auto& request) { return request.second == wish; });
    if (!is_asked && std::ranges::find(waiting_, wish) == waiting_.end()) {
        waiting_.push_back(std::move(wish));
    }
}

void TokenQueue::begin_session() {
    auto unanswered = std::exchange(asked_, {});
    for (auto& [id, wish] : std::views::reverse(unanswered)) {
        waiting_.push_front(std::move(wish));
    }
    last_ = 0;
}

std::vector<tunnel::TokenRequest> TokenQueue::take() {
    std::vector<tunnel::TokenRequest> requests;
    while (!waiting_.empty() && asked_.size() < tunnel::kTokenWindow) {
        const std::uint64_t id = ++last_;
        asked_.emplace(id, waiting_.front());
        requests.push_back({.id = id, .wish = std::move(waiting_.front())});
        waiting_.pop_front();
    }
    return requests;
}

std::optional<tunnel::TokenWish> TokenQueue::answered(std::uint64_t id) {
    const auto found = asked_.find(id);
    if (found == asked_.end()) {
        return std::nullopt;
    }
    tunnel::TokenWish wish = std::move(found->second);
    asked_.erase(found);
    return wish;
}

}  // namespace farhold::link
