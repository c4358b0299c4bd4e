// SPDX-License-Identifier: Apache-2.0
//
// Pure: which objects a live session must still tell its machine about. Keys only: the content is
// read from the view when there is room to send it, so that however often an object changes while
// the window is full, it is sent once, and memory is bound by the size of the view.
#pragma once

#include "cloudcore/views/node_views.hpp"
#include "common/tunnel/messages.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace farhold::hub {

class PendingChanges {
public:
    void upsert(const object::ObjectKey& key);
    // The machine may hold an object of that uid, which is no longer in its view.
    void remove(const object::ObjectKey& key, const std::string& uid);

    [[nodiscard]] bool empty() const { return changes_.empty(); }
    [[nodiscard]] std::size_t size() const { return changes_.size(); }

    // Moves a batch's worth of changes into `batch`, within `room` bytes; one larger object when it
    // travels `alone`. Pods come last, so that what they refer to is there before them.
    void take(const views::NodeView& view, std::size_t room, bool alone, tunnel::Batch& batch);

private:
    struct Order {
        bool operator()(const object::ObjectKey& left, const object::ObjectKey& right) const;
    };

    // Per key the uids that are gone. Several can be: an object that was replaced and removed again
    // before there was room; the machine may still hold the first.
    std::map<object::ObjectKey, std::vector<std::string>, Order> changes_;
};

}  // namespace farhold::hub
