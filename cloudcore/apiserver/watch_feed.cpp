// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/watch_feed.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace farhold::apiserver {
namespace {

// As upstream: one a minute, and a last one shortly before the end.
constexpr Duration kBookmarkInterval = std::chrono::seconds(60);
constexpr Duration kLastBookmark = std::chrono::seconds(1);

}  // namespace

WatchFeed::WatchFeed(
    StoreQueue& queue, const Clock& clock, Executor executor,
    std::unique_ptr<kuberest::Watcher> watcher, Duration longest
)
    : queue_(queue),
      clock_(clock),
      watcher_(std::move(watcher)),
      subscription_(queue, std::move(executor), watcher_->prefix()) {
    const Instant now = clock_.now().mono;
    const auto wanted = watcher_->timeout();
    end_ = now + (wanted ? std::min<Duration>(*wanted, longest) : longest);
    next_bookmark_ = std::min(now + kBookmarkInterval, end_ - kLastBookmark);
}

Task<WatchFeed::Piece> WatchFeed::next() {
    while (true) {
        const Instant now = clock_.now().mono;
        if (now >= end_) {
            co_return Piece{"", true};
        }
        const bool bookmark = now >= next_bookmark_;
        if (bookmark) {
            const Instant last = end_ - kLastBookmark;
            next_bookmark_ = now < last ? std::min(now + kBookmarkInterval, last) : end_;
        }
        kuberest::Watcher::Lines lines = co_await queue_.poll(watcher_, bookmark);
        if (lines.ended || !lines.text.empty()) {
            co_return Piece{std::move(lines.text), lines.ended};
        }
        if (!lines.more) {
            co_await subscription_.wait_for(std::min(next_bookmark_, end_) - now);
        }
    }
}

}  // namespace farhold::apiserver
