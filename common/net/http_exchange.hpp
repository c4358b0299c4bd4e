// SPDX-License-Identifier: Apache-2.0
//
// One request on a server's connection. Internal to common/net.
#pragma once

#include "common/net/connection.hpp"
#include "common/net/http_answer.hpp"

#include <memory>
#include <string>

namespace farhold::net {

class Exchange final : public AnsweringExchange {
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

    const PeerIdentity& peer() const override { return session_.connection->peer(); }
    Task<Result<std::unique_ptr<WebSocket>>> accept_websocket(WebSocketOptions options) override;
    Task<Result<std::unique_ptr<ByteStream>>> hijack() override;

    // Ends when the peer goes away during a stream; before one it waits.
    Task<> watch_peer();

private:
    Task<Result<void>> send(std::string bytes) override;
    bool may_be_endless() override;
    bool is_stopping() const override { return session_.is_stopping; }

    const HttpServerConfig& config_;
    Session& session_;
};

}  // namespace farhold::net
