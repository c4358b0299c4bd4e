// SPDX-License-Identifier: Apache-2.0
//
// One request on a server's connection. Internal to common/net.
#pragma once

#include "common/async/event.hpp"
#include "common/net/connection.hpp"
#include "common/net/http_server.hpp"

#include <memory>
#include <string>

namespace farhold::net {

class Exchange final : public HttpExchange {
public:
    // What a connection's exchanges share with its server.
    struct Session {
        std::shared_ptr<Connection> connection;
        std::string unread;  // Bytes of the next request.
        // Nothing would be lost by closing: no request is being worked on, or the answer has no end.
        bool is_disposable = true;
        bool is_stopping = false;
        // The peer has yet to say who it is or what it wants, and has no claim to its place.
        bool is_mute = true;
        bool is_identified = false;
    };

    Exchange(
        Executor executor, const HttpServerConfig& config, Session& session, HttpRequest request,
        bool keep_alive
    );

    const HttpRequest& request() const override { return request_; }
    const PeerIdentity& peer() const override { return session_.connection->peer(); }
    Task<Result<void>> respond(HttpResponse response) override;
    Task<Result<void>> begin_stream(int status, HttpHeaders headers) override;
    Task<Result<void>> write_chunk(std::string_view bytes) override;
    Task<Result<void>> end_stream() override;
    Task<Result<std::unique_ptr<WebSocket>>> accept_websocket(WebSocketOptions options) override;
    Task<Result<std::unique_ptr<ByteStream>>> hijack() override;

    // Ends when the peer goes away during a stream; before one it waits.
    Task<> watch_peer();

    bool is_answered() const { return state_ != State::unanswered; }
    // Whether the answer is complete and another request may follow.
    bool leaves_usable() const { return state_ == State::answered && keep_alive_; }

private:
    enum class State : unsigned char { unanswered, answered, streaming, handed_over };

    Task<Result<void>> write(std::string bytes);

    const HttpServerConfig& config_;
    Session& session_;
    HttpRequest request_;
    bool keep_alive_;
    State state_ = State::unanswered;
    Event stream_began_;
};

}  // namespace farhold::net
