// SPDX-License-Identifier: Apache-2.0
//
// The second connection of a session, at either end: bulk streams over a WebSocket of their own, as
// fast as line_pace allows. The machine pings; either end gives the connection up when it is silent,
// and the hub when it has had no stream for a while. Runs on the loop.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/base/time.hpp"
#include "common/log/log.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/websocket.hpp"
#include "common/streams/line_pace.hpp"
#include "common/streams/stream_carrier.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace farhold::streams {

inline constexpr std::string_view kBulkPath = "/v1/tunnel/streams";
// Where the second connection of the session with that epoch belongs.
std::string bulk_target(std::uint64_t epoch);

class BulkConnection {
public:
    using Opened = std::function<void(std::unique_ptr<net::ByteStream>)>;

    // The clock must outlive it.
    BulkConnection(
        const Executor& executor, StreamMux::Role role, std::unique_ptr<net::WebSocket> socket,
        const Clock& clock, log::Logger logger, Opened opened
    );

    // Until the connection is over; then all of its streams are.
    Task<> run();
    void close(const std::string& reason);

    // The hub's.
    Result<std::unique_ptr<net::ByteStream>> open() { return carrier_.open(); }

    // Nothing can be opened any more.
    [[nodiscard]] bool is_over() const { return !end_.empty(); }
    [[nodiscard]] const StreamCounters& counters() const { return carrier_.counters(); }

private:
    Task<> carry();
    Task<> read_loop();
    Task<> write_loop();
    Task<> watch_loop();
    Result<> receive(const StreamMessage& message);

    StreamMux::Role role_;
    std::unique_ptr<net::WebSocket> socket_;
    const Clock& clock_;
    log::Logger logger_;
    LinePace pace_;
    farhold::Event changed_;
    std::string end_;  // Why it is over.
    StreamCarrier carrier_;
};

}  // namespace farhold::streams
