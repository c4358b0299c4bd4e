// SPDX-License-Identifier: Apache-2.0
//
// containerd's own events as "list again". Private to edgecore/runtime. No event is replayed, so
// each (re)connection counts as a change.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/log/log.hpp"
#include "edgecore/runtime/container_runtime.hpp"
#include "edgecore/runtime/cri_channel.hpp"

#include <utility>

namespace farhold::runtime {

class ContainerdEvents {
public:
    ContainerdEvents(CriChannel& channel, log::Logger log)
        : channel_(channel), log_(std::move(log)) {}

    // Subscribes, again after each loss; ends only by cancellation.
    Task<> run(Event& changed);

    const Connection& connection() const { return connection_; }

private:
    // Until the stream is lost; answers why.
    Task<Error> follow(grpc::MessageStream& stream, Event& changed);
    void lost(const Error& why);

    CriChannel& channel_;
    log::Logger log_;
    Connection connection_{.connected = false, .reason = "not connected yet"};
    bool told_ = false;  // The log says that the runtime is away.
};

}  // namespace farhold::runtime
