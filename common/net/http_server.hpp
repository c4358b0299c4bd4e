// SPDX-License-Identifier: Apache-2.0
//
// An HTTP/1.1 server, plain or TLS, for a few thousand connections: keep-alive, chunked streams for
// watches, WebSocket upgrades. Every phase has a time limit that counts from its beginning, and
// every connection and buffer a bound, so that slow or hostile peers cost little. Runs on one
// executor; keeps nothing on disk.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/http.hpp"
#include "common/net/peer.hpp"
#include "common/net/tls_config.hpp"
#include "common/net/websocket.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace farhold::net {

struct HttpServerConfig {
    Endpoint listen{"127.0.0.1", 0};  // Port 0: the kernel chooses.
    std::optional<TlsServerConfig> tls;

    std::size_t header_bytes_max = 16 << 10;
    std::size_t body_bytes_max = 1 << 20;
    std::size_t connections_max = 20'000;
    // Connections that have not shown a verified certificate, in all and from one address. Beyond it
    // the newcomer takes the place of the one that has been silent longest.
    std::size_t anonymous_connections_max = 512;
    std::size_t anonymous_per_address_max = 20;

    Duration tls_timeout = std::chrono::seconds(10);
    Duration header_timeout = std::chrono::seconds(10);
    Duration body_timeout = std::chrono::seconds(30);
    Duration idle_timeout = std::chrono::seconds(90);
    // For a response, or one chunk of a stream, until the peer has taken it.
    Duration write_timeout = std::chrono::seconds(30);

    // Told of each failed handshake, for logs and counters; may be empty.
    std::function<void(const std::string& address, const Error& error)> on_tls_failure;
};

// One request and the way to answer it: exactly one of respond(), begin_stream(),
// accept_websocket() and hijack(), once. Lives as long as the handler runs.
class HttpExchange {
public:
    virtual ~HttpExchange() = default;

    virtual const HttpRequest& request() const = 0;
    virtual const PeerIdentity& peer() const = 0;

    virtual Task<Result<void>> respond(HttpResponse response) = 0;

    // A chunked response. From here on the handler is cancelled when the peer goes away, also
    // while nothing is being written, and when the server stops.
    virtual Task<Result<void>> begin_stream(int status, HttpHeaders headers) = 0;
    virtual Task<Result<void>> write_chunk(std::string_view bytes) = 0;
    virtual Task<Result<void>> end_stream() = 0;

    virtual Task<Result<std::unique_ptr<WebSocket>>> accept_websocket(WebSocketOptions options) = 0;

    // The raw connection after the request's head and body; the caller writes the answer.
    virtual Task<Result<std::unique_ptr<ByteStream>>> hijack() = 0;
};

// Called on the server's executor. A handler that ends without an answer is answered with 500.
// The connection of a WebSocket or hijacked stream counts until the handler ends.
using HttpHandler = std::function<Task<>(HttpExchange&)>;

class HttpServer {
public:
    // Binds at once, so that a taken port is an error here, and starts to accept.
    static Result<std::unique_ptr<HttpServer>> start(
        Executor executor, HttpServerConfig config, HttpHandler handler
    );
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    // stop() must have ended.
    ~HttpServer();

    std::uint16_t port() const;

    // For connections from now on.
    Result<void> replace_tls(TlsServerConfig tls);

    // Stops accepting, drops idle connections and streams, lets running requests finish within
    // `grace`, cancels the rest and waits for it.
    Task<> stop(Duration grace);

private:
    struct Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::net
