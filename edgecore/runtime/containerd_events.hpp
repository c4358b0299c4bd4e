// SPDX-License-Identifier: Apache-2.0
//
// containerd's own events as "list again". Private to edgecore/runtime. No event is replayed, so
// each (re)connection counts as a change.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/log/trouble.hpp"
#include "edgecore/runtime/container_runtime.hpp"
#include "edgecore/runtime/cri_channel.hpp"

#include <cstdint>
#include <utility>

namespace farhold::runtime {

class ContainerdEvents {
public:
    ContainerdEvents(CriChannel& channel, log::Logger log)
        : channel_(channel),
          log_(std::move(log)),
          away_(log_, "container runtime is away", "container runtime connected") {}

    // Subscribes, again after each loss; ends only by cancellation.
    Task<> run(Event& changed);

    const Connection& connection() const { return connection_; }
    // How often a connection that was there was lost.
    [[nodiscard]] std::uint64_t losses() const { return losses_; }

private:
    // Until the stream is lost; answers why.
    Task<Error> follow(grpc::MessageStream& stream, Event& changed);
    void lost(const Error& why);

    CriChannel& channel_;
    log::Logger log_;
    Connection connection_{.connected = false, .reason = "not connected yet"};
    log::Trouble away_;
    std::uint64_t losses_ = 0;
};

}  // namespace farhold::runtime
