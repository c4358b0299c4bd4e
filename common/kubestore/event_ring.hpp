// SPDX-License-Identifier: Apache-2.0
//
// Pure: the newest events in memory, bounded by number and bytes. Revisions in it have no gaps.
#pragma once

#include "common/kubestore/store.hpp"

#include <cstddef>
#include <deque>
#include <string_view>

namespace farhold::kubestore {

class EventRing {
public:
    EventRing(std::size_t events_max, std::size_t bytes_max)
        : events_max_(events_max), bytes_max_(bytes_max) {}

    // Begins anew after that revision.
    void reset(Revision newest);
    void push(EventPtr event);
    Result<EventBatch> after(Revision revision, std::string_view prefix, std::size_t limit) const;

private:
    static std::size_t bytes_of(const Event& event);

    std::size_t events_max_;
    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    Revision newest_ = 0;
    std::deque<EventPtr> events_;
};

}  // namespace farhold::kubestore
