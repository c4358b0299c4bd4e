// SPDX-License-Identifier: Apache-2.0
//
// Pure: when something that failed may be tried again, by subject. Delays double from 1 s to 30 s;
// a success, or an hour without a failure, forgets the subject.
#pragma once

#include "common/base/time.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace farhold::pods {

class RetryTimers {
public:
    static constexpr Duration kFirst = std::chrono::seconds(1);
    static constexpr Duration kLast = std::chrono::seconds(30);

    static constexpr Duration kForgotten = std::chrono::hours(1);

    void failed(const std::string& subject, Instant now) {
        // Subjects that have gone, such as containers, are never reported as succeeded.
        std::erase_if(timers_, [&](const auto& entry) {
            return entry.second.failed_at + kForgotten < now;
        });
        Timer& timer = timers_[subject];
        timer.delay = std::clamp(timer.delay * 2, kFirst, kLast);
        timer.failed_at = now;
        timer.until = now + timer.delay;
    }
    void succeeded(std::string_view subject) {
        if (const auto found = timers_.find(subject); found != timers_.end()) {
            timers_.erase(found);
        }
    }

    [[nodiscard]] bool due(std::string_view subject, Instant now) const {
        const auto found = timers_.find(subject);
        return found == timers_.end() || found->second.until <= now;
    }
    // The earliest moment after `now` at which a subject falls due.
    [[nodiscard]] std::optional<Instant> next(Instant now) const {
        std::optional<Instant> earliest;
        for (const auto& [subject, timer] : timers_) {
            if (timer.until > now && (!earliest || timer.until < *earliest)) {
                earliest = timer.until;
            }
        }
        return earliest;
    }

    // Everything may be tried at once; the delays are kept for the next failure.
    void hasten() {
        for (auto& [subject, timer] : timers_) {
            timer.until = Instant{};
        }
    }

private:
    struct Timer {
        Duration delay{};
        Instant failed_at;
        Instant until;
    };
    std::map<std::string, Timer, std::less<>> timers_;
};

}  // namespace farhold::pods
