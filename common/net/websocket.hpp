// SPDX-License-Identifier: Apache-2.0
//
// A WebSocket that carries binary messages, without compression. Made by connect_websocket() or
// HttpExchange::accept_websocket(). One read and one write may be pending at the same time. Runs on
// the executor of the coroutine that made it.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/net/dial_options.hpp"
#include "common/net/line_state.hpp"
#include "common/net/peer.hpp"
#include "common/net/tls_config.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace farhold::net {

class WebSocket {
public:
    struct Impl;
    explicit WebSocket(std::unique_ptr<Impl> impl);
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;
    ~WebSocket();

    // One whole message. ErrorCode::unavailable when the peer closed or the connection broke,
    // resource_exhausted when a message exceeds the limit (the connection is over then),
    // cancelled after close_now().
    Task<Result<std::string>> read();

    Task<Result<void>> write(std::string message);

    // Tells the peer and waits briefly for its answer; afterwards the connection is over. Not
    // while a read is pending (the reader would take the answer): then use close_now().
    Task<> close();

    // Ends pending calls at once.
    void close_now();

    // The same, for a peer that is not heard any more: what is still to be sent is forgotten.
    void abort();

    // How long nothing has come from the peer, not even a part of a message.
    Duration quiet_for() const;

    LineState line_state() const;

    const PeerIdentity& peer() const;

private:
    std::unique_ptr<Impl> impl_;
};

struct WebSocketOptions {
    std::size_t message_bytes_max = 1 << 20;
    // Bytes that were written and that the line is too slow for; 0: as many as the kernel likes.
    std::size_t unsent_bytes_max = 0;
    DialOptions dial;         // Of connect_websocket().
    std::string subprotocol;  // Of accept_websocket(): the one that was chosen; empty: none.
};

// Always over TLS. Errors: unavailable (worth another try), unauthenticated (the server has not
// proved itself), permission_denied (it refused our certificate, or the upgrade with 401 or 403),
// deadline.
Task<Result<std::unique_ptr<WebSocket>>> connect_websocket(
    Endpoint endpoint, TlsClientConfig tls, std::string target, WebSocketOptions options = {}
);

}  // namespace farhold::net
