// SPDX-License-Identifier: Apache-2.0
//
// Gives the streams of one connection to coroutines as net::ByteStreams. Whoever has the connection
// hands in what came and sends what next() answers. Runs on the loop; streams may outlive their
// carrier, and then only fail.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/log/log.hpp"
#include "common/net/byte_stream.hpp"
#include "common/streams/stream_mux.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace farhold::streams {

class StreamCarrier {
public:
    struct Calls {
        // There is something to send.
        std::function<void()> sendable = [] {};
        // The acceptor's: a stream has come.
        std::function<void(std::unique_ptr<net::ByteStream>)> opened =
            [](std::unique_ptr<net::ByteStream> /*stream*/) {};
        // Messages about the connection itself; an error ends it.
        std::function<Result<>(const StreamMessage&)> about_connection;
    };

    // Nothing is called any more once the carrier is gone.
    StreamCarrier(
        Executor executor, StreamMux::Role role, StreamClass cls, net::PeerIdentity peer,
        log::Logger logger, Calls calls
    );
    ~StreamCarrier();
    StreamCarrier(const StreamCarrier&) = delete;
    StreamCarrier& operator=(const StreamCarrier&) = delete;

    // The opener's. resource_exhausted: too many.
    Result<std::unique_ptr<net::ByteStream>> open();

    // A message that is_stream_frame(). An error: the peer broke a rule.
    Result<> receive(std::string_view message);

    // A message about the connection itself, sent before all others; of a kind one waits at most.
    void tell(StreamMessage message);

    // The next WebSocket message to send, with at most so many bytes of data.
    std::optional<std::string> next(std::size_t data_max);

    // Whether there is data that next() would have had if it might.
    [[nodiscard]] bool waits_for_room() const;

    // The connection is over: so are all its streams.
    void end(const std::string& reason);

    // Streams in the connection's hands or an owner's.
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] const StreamCounters& counters() const;

private:
    struct State;
    class TunnelStream;

    std::shared_ptr<State> state_;
};

}  // namespace farhold::streams
