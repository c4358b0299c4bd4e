// SPDX-License-Identifier: Apache-2.0
//
// The hub's bulk streams of one session: calls for the machine's second connection when the first is
// wanted, and opens them on it. Without that connection they fail; the session's own never carries
// them. Runs on the loop.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/log/log.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/websocket.hpp"
#include "common/streams/bulk_connection.hpp"
#include "common/streams/stream_counters.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace farhold::hub {

class BulkStreams {
public:
    // `call` asks the machine. The clock must outlive it.
    BulkStreams(
        Executor executor, const Clock& clock, log::Logger logger, std::function<void()> call
    );
    BulkStreams(const BulkStreams&) = delete;
    BulkStreams& operator=(const BulkStreams&) = delete;

    // Waits for the connection if there is none.
    Task<Result<std::unique_ptr<net::ByteStream>>> open();

    // The machine's second connection, until it is over.
    Task<> carry(std::unique_ptr<net::WebSocket> socket);

    // The machine cannot open one.
    void refused(const std::string& reason);

    // The session is over.
    void end(const std::string& reason);

    [[nodiscard]] streams::StreamCounters counters() const;

private:
    [[nodiscard]] bool connected() const { return connection_ && !connection_->is_over(); }
    void wake_waiting();

    Executor executor_;
    const Clock& clock_;
    log::Logger logger_;
    std::function<void()> call_;
    std::shared_ptr<streams::BulkConnection> connection_;
    bool called_ = false;
    std::string refusal_;  // Of the call.
    // Shared with those who wait for the connection.
    std::vector<std::shared_ptr<farhold::Event>> waiting_;
    std::string over_;                  // Why the session is over.
    streams::StreamCounters counters_;  // Without those of the connection.
};

}  // namespace farhold::hub
