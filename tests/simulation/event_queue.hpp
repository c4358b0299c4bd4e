// SPDX-License-Identifier: Apache-2.0
//
// Virtual time: what is to happen, in order. Two things due at the same moment happen in the order
// in which they were asked for, so a run depends on nothing but its seed.
#pragma once

#include "common/base/time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace farhold::simulation {

class EventQueue {
public:
    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] std::size_t size() const { return heap_.size(); }

    void at(Instant when, std::function<void()> what) {
        heap_.push_back(Entry{std::max(when, now_), ++order_, std::move(what)});
        std::ranges::push_heap(heap_, later);
    }
    void after(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

    // Until that moment, or until `stop` says so.
    template <class Stop>
    void run_until(Instant end, Stop stop) {
        while (!heap_.empty() && heap_.front().when <= end && !stop()) {
            std::ranges::pop_heap(heap_, later);
            // Taken out before it runs, since running it adds others.
            const Entry entry = std::move(heap_.back());
            heap_.pop_back();
            now_ = entry.when;
            entry.what();
        }
        if (!stop()) {
            now_ = std::max(now_, end);
        }
    }

private:
    struct Entry {
        Instant when;
        std::uint64_t order = 0;
        std::function<void()> what;
    };

    static bool later(const Entry& left, const Entry& right) {
        return std::pair(left.when, left.order) > std::pair(right.when, right.order);
    }

    Instant now_{std::chrono::hours(1)};  // No machine has just been switched on.
    std::uint64_t order_ = 0;
    std::vector<Entry> heap_;
};

}  // namespace farhold::simulation
