// SPDX-License-Identifier: Apache-2.0
//
// Pure: all streams of one connection, at one end. The owner of a stream writes, reads and abandons
// it; the connection asks for the next frame whenever it can send one, and hands in what came.
//
// Rules it keeps: a stream never has more bytes waiting here than its limits say (a reader that takes
// nothing holds back its own writer and nobody else); streams that have something to send take turns;
// what opens, ends or gives credit to a stream goes before data; what came before a stream's end can
// be read, whichever way it ended.
#pragma once

#include "common/base/error.hpp"
#include "common/streams/byte_queue.hpp"
#include "common/streams/stream_class.hpp"
#include "common/streams/stream_counters.hpp"
#include "common/streams/stream_frame.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::streams {

// For the log: what became of a stream.
struct StreamEnd {
    StreamId stream = 0;
    EndKind kind = EndKind::finished;
    std::string reason;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
};

class StreamMux {
public:
    enum class Role : std::uint8_t { opener, acceptor };

    StreamMux(Role role, StreamClass cls) : role_(role), limits_(limits_of(cls)) {}

    // The opener's. resource_exhausted: too many; unavailable: the connection is over.
    Result<StreamId> open();

    // The owner's, until it abandons the stream.
    // How many of the bytes were taken; the rest when there is room again.
    Result<std::size_t> write(StreamId stream, std::string_view bytes);
    void finish(StreamId stream);
    // Nothing: there is nothing yet; 0: the peer's orderly end.
    std::optional<Result<std::size_t>> read(StreamId stream, std::span<char> into);
    // What was written is still sent, and what comes is thrown away.
    void abandon(StreamId stream);

    // An error: the peer broke a rule, and the connection is to end. Messages about the connection
    // itself are not for the mux.
    Result<> receive(StreamId stream, StreamMessage message);

    // What is to be sent next, with at most so many bytes of data; nothing: nothing now.
    std::optional<StreamFrame> next(std::size_t data_max);

    // After next() had nothing: whether a stream has data that there was no room for.
    [[nodiscard]] bool waits_for_room() const { return !turns_.empty(); }

    // The connection is over: every stream ends with that reason.
    void end(const std::string& reason);

    // Streams that can be read or written again or have ended, since the last call.
    std::vector<StreamId> take_changed();
    // The acceptor's: streams that have come, each with an owner from now on.
    std::vector<StreamId> take_opened();
    std::vector<StreamEnd> take_ended();

    // Streams in the connection's hands or an owner's.
    [[nodiscard]] std::size_t size() const { return streams_.size(); }
    [[nodiscard]] const StreamCounters& counters() const { return counters_; }

private:
    struct Stream {
        ByteQueue out;
        std::size_t credit = 0;  // What the peer can still take.
        bool open_due = false;   // Open is still to be sent.
        bool finishing = false;  // No more is written.
        bool finish_sent = false;
        ByteQueue in;
        std::size_t window = 0;      // What the peer may still send.
        std::size_t credit_due = 0;  // Read, and not told to the peer.
        bool finish_received = false;
        bool abandoned = false;
        bool closed = false;  // No frame of it is sent any more, and what comes is ignored.
        std::string broken;   // Why its ways end that have not ended in order.
        bool takes_turns = false;
        bool is_urgent = false;
        std::uint64_t bytes_sent = 0;
        std::uint64_t bytes_received = 0;
    };
    using Streams = std::map<StreamId, Stream>;

    Stream& add(StreamId stream);
    Result<> receive(Streams::iterator at, const StreamMessage& message);
    Result<> receive_open(StreamId stream);
    Result<> receive_data(Streams::iterator at, const Data& data);
    void changed(StreamId stream) { changed_.push_back(stream); }
    [[nodiscard]] bool has_turn(const Stream& stream) const;
    void schedule(Streams::iterator at);
    std::optional<StreamFrame> next_urgent();
    std::optional<StreamFrame> take_turn(Streams::iterator at, std::size_t data_max);
    void close(Streams::iterator at, EndKind kind, std::string reason);
    void close_if_finished(Streams::iterator at);
    void forget_if_done(Streams::iterator at);

    Role role_;
    const StreamLimits& limits_;
    StreamId last_ = 0;  // The highest that was ever opened.
    Streams streams_;
    std::size_t open_ = 0;          // Those that are not closed.
    std::deque<StreamId> urgent_;   // With something that is not data.
    std::deque<StreamId> turns_;    // With data or an end to send.
    std::deque<StreamId> refused_;  // Too many.
    std::vector<StreamId> changed_;
    std::vector<StreamId> opened_;
    std::vector<StreamEnd> ended_;
    std::string over_;  // Why there is no connection any more.
    StreamCounters counters_;
};

}  // namespace farhold::streams
