// SPDX-License-Identifier: Apache-2.0
#include "common/kubestore/event_ring.hpp"

#include "common/base/ensure.hpp"

#include <fmt/format.h>

namespace farhold::kubestore {

void EventRing::reset(Revision newest) {
    events_.clear();
    bytes_ = 0;
    newest_ = newest;
}

std::size_t EventRing::bytes_of(const Event& event) {
    const std::size_t previous = event.previous ? event.previous->size() : 0;
    return sizeof(Event) + event.key.size() + event.body->size() + previous;
}

void EventRing::push(EventPtr event) {
    ensure(event->revision == newest_ + 1, "a gap in the revisions of the event ring");
    newest_ = event->revision;
    bytes_ += bytes_of(*event);
    events_.push_back(std::move(event));
    while (events_.size() > events_max_ || (bytes_ > bytes_max_ && events_.size() > 1)) {
        bytes_ -= bytes_of(*events_.front());
        events_.pop_front();
    }
}

Result<EventBatch> EventRing::after(Revision revision, std::string_view prefix, std::size_t limit)
    const {
    EventBatch batch;
    if (revision >= newest_) {
        batch.scanned_to = revision;
        return batch;
    }
    const Revision oldest = events_.empty() ? newest_ + 1 : events_.front()->revision;
    if (revision + 1 < oldest) {
        return fail(
            ErrorCode::resource_exhausted,
            fmt::format("too old resource version: {} ({})", revision, oldest - 1)
        );
    }
    batch.scanned_to = revision;
    for (auto i = static_cast<std::size_t>(revision + 1 - oldest); i < events_.size(); ++i) {
        const EventPtr& event = events_[i];
        if (event->key.starts_with(prefix)) {
            if (batch.events.size() == limit) {
                break;
            }
            batch.events.push_back(event);
        }
        batch.scanned_to = event->revision;
    }
    return batch;
}

}  // namespace farhold::kubestore
