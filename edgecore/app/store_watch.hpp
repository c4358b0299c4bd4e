// SPDX-License-Identifier: Apache-2.0
//
// Tells people what becomes of the machine's store: as Events on the Node, in its conditions and in
// `edgecore status`. The store itself logs and counts. Runs on the loop.
#pragma once

#include "edgecore/node/node_events.hpp"
#include "edgecore/node/node_status.hpp"
#include "edgecore/store/state_keeper.hpp"

#include <functional>
#include <string>

namespace farhold::edge {

class StoreWatch {
public:
    // `tell` takes what is worth an Event. The store must outlive this.
    StoreWatch(const store::StateKeeper& keeper, std::function<void(node::NodeEvent)> tell);

    // At the start: what was found when the store was loaded.
    void begin();
    // After each change of the store. True when its health is another one.
    bool look();

    [[nodiscard]] node::StoreFacts facts() const;

private:
    const store::StateKeeper& keeper_;
    std::function<void(node::NodeEvent)> tell_;
    store::Health seen_ = store::Health::sound;
};

// "ok", or one sentence: what is wrong now, else what was found at the start.
std::string integrity_of(const store::StateKeeper& keeper, bool went_back);

}  // namespace farhold::edge
