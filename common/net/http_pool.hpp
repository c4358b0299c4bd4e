// SPDX-License-Identifier: Apache-2.0
//
// A client of one server that asks it often: connections are kept and used again, and an answer
// without an end is read piece by piece. Runs on the caller's executor.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/net/http.hpp"
#include "common/net/peer.hpp"
#include "common/net/tls_config.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace farhold::net {

struct HttpPoolOptions {
    // For a request and its whole answer; of a streamed answer, for its head.
    Duration timeout = std::chrono::seconds(30);
    std::size_t body_bytes_max = std::size_t{64} << 20U;  // Not of streamed answers.
    Duration idle_timeout = std::chrono::seconds(60);
    std::size_t idle_connections_max = 8;
};

// An answer that comes while it is read, on a connection of its own that ends with it.
class HttpStream {
public:
    virtual ~HttpStream() = default;

    virtual int status() const = 0;
    virtual const HttpHeaders& headers() const = 0;

    // The next bytes of the body; none: it is complete. A server that is gone without a word is found
    // out within half a minute; that it says nothing is no error.
    virtual Task<Result<std::string>> next() = 0;
};

class HttpPool {
public:
    explicit HttpPool(Endpoint server, HttpPoolOptions options = {});
    HttpPool(const HttpPool&) = delete;
    HttpPool& operator=(const HttpPool&) = delete;
    ~HttpPool();

    // For connections from now on, none is used again; before the first request of a server that
    // speaks TLS.
    Result<> use_tls(TlsClientConfig config);

    // Errors as http_request()'s. A request that may be repeated is, when a kept connection turns out
    // to have been closed. The pool must outlive what it is asked.
    Task<Result<HttpResponse>> request(HttpRequest request);

    // Any status; returns with the answer's head.
    Task<Result<std::unique_ptr<HttpStream>>> open(HttpRequest request);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::net
