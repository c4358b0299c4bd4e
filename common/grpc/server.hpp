// SPDX-License-Identifier: Apache-2.0
//
// A gRPC server for unary calls on a unix socket. All on one executor. A handler is cancelled when
// its client goes away or the client's deadline is over.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/http2/session.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace farhold::grpc {

struct ServerOptions {
    // Of one request. Together with the limits on streams and connections it bounds the memory.
    std::size_t message_bytes_max = std::size_t{4} << 20;
    std::size_t connections_max = 64;
    http2::Limits limits;
};

class Server {
public:
    using Handler = std::function<Task<Result<std::string>>(std::string request)>;

    Server(Executor executor, const ServerOptions& options);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    // Method: "/package.Service/Method".
    void add(std::string method, Handler handler);

    // Serves on the path, for the owner of the process alone. What a dead server left there is
    // replaced; a live one is already_exists.
    Result<void> listen(const std::string& path);

    // Serves one connected stream socket, and takes it over.
    void serve(int descriptor);

    // Ends all connections and handlers. Called once, before destruction.
    Task<> stop();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::grpc
