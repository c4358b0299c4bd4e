// SPDX-License-Identifier: Apache-2.0
//
// Pure: one end of an HTTP/2 connection (RFC 9113). The owner feeds it what the socket read and
// writes what take_output() gives; what happened comes as events, in order. Server push is refused.
#pragma once

#include "common/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace farhold::http2 {

enum class Role : std::uint8_t { client, server };

struct Header {
    std::string name;  // Lower case.
    std::string value;

    bool operator==(const Header&) const = default;
};
using Headers = std::vector<Header>;

// The first value of that name.
std::optional<std::string_view> find_header(const Headers& headers, std::string_view name);

using StreamId = std::int32_t;

// Error codes of RFC 9113 section 7.
enum class StreamError : std::uint32_t {
    none = 0,
    protocol = 1,
    internal = 2,
    refused = 7,
    cancel = 8,
    enhance_your_calm = 11,
};

struct Limits {
    // Counted as in RFC 9113 section 6.5.2: names, values, and 32 bytes each. A stream beyond it is
    // reset.
    std::size_t header_list_bytes = std::size_t{16} * 1024;
    // That the peer may have open at a time; more are refused.
    std::uint32_t peer_streams = 100;
    // Received and not yet consumed, per stream.
    std::uint32_t stream_window_bytes = std::uint32_t{1} << 20;
};

// A request's or response's headers, or its trailers.
struct HeadersReceived {
    StreamId stream = 0;
    Headers headers;
};
struct DataReceived {
    StreamId stream = 0;
    std::string bytes;
};
// The peer has sent everything.
struct PeerEnded {
    StreamId stream = 0;
};
// The last event of a stream: both sides have ended (none), or one has reset it.
struct StreamClosed {
    StreamId stream = 0;
    StreamError error = StreamError::none;
    std::string reason;
};
// No new streams; those above `last` were not processed and are closed with an event each.
struct GoawayReceived {
    StreamId last = 0;
    std::string reason;
};

using Event = std::variant<HeadersReceived, DataReceived, PeerEnded, StreamClosed, GoawayReceived>;

class Session {
public:
    Session(Role role, const Limits& limits);
    Session(Session&&) noexcept;
    Session& operator=(Session&&) noexcept;
    ~Session();

    // An error when the peer broke the protocol; what take_output() then gives tells the peer why,
    // and the connection is over.
    Result<void> receive(std::string_view bytes);
    std::vector<Event> take_events();

    // What to write to the socket; empty when there is nothing now. Sending a stream's last frame
    // closes it, so there may be events afterwards.
    std::string take_output();

    // Neither side will send anything more.
    bool finished() const;

    // Client. Errors: unavailable after a GOAWAY.
    Result<StreamId> start_request(const Headers& headers);

    // Server.
    Result<void> start_response(StreamId stream, const Headers& headers);
    Result<void> respond_at_once(StreamId stream, const Headers& headers);  // Without a body.

    // Both. Sent as far as the peer's windows allow; not_found when the stream is closed.
    Result<void> send(StreamId stream, std::string_view bytes);
    Result<void> end(StreamId stream);
    Result<void> end_with_trailers(StreamId stream, const Headers& trailers);

    // Opens the stream's window again for so many bytes of received data.
    void consume(StreamId stream, std::size_t bytes);

    void reset(StreamId stream, StreamError error);

    // No new streams of the peer; those that are open may end.
    void go_away();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::http2
