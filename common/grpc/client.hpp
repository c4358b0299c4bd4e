// SPDX-License-Identifier: Apache-2.0
//
// A gRPC client on one connection, made when a call needs it and made again after it was lost. All
// on one executor. Calls of a lost connection end with ErrorCode::unavailable, and are never sent
// again by themselves: whether they took effect is unknown.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/http2/session.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace farhold::grpc {

// A connected stream socket, which the client takes over; or why there is none.
using Connect = std::function<Result<int>()>;

Connect unix_socket(std::string path);

struct ClientOptions {
    Connect connect;
    // Of one received message.
    std::size_t message_bytes_max = std::size_t{16} << 20;
    http2::Limits limits;
};

struct CallOptions {
    // Also told to the server. A stream may have none.
    std::optional<Duration> deadline;
    // When the caller is cancelled the call goes on, its result unseen; for calls that do harm when
    // the server sees them cut off.
    bool outlives_caller = false;
    http2::Headers metadata;
};

// Messages of a server-streaming call. Ending its life cancels the call.
class MessageStream {
public:
    struct Impl;
    explicit MessageStream(std::unique_ptr<Impl> impl);
    MessageStream(MessageStream&&) noexcept;
    MessageStream& operator=(MessageStream&&) noexcept;
    ~MessageStream();

    // Nothing after the last message of a call that succeeded. One reader. What is not read holds
    // the server back.
    Task<Result<std::optional<std::string>>> next();

private:
    std::unique_ptr<Impl> impl_;
};

class Client {
public:
    Client(Executor executor, ClientOptions options);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();

    // Method: "/package.Service/Method".
    Task<Result<std::string>> call(std::string method, std::string request, CallOptions options);
    Result<MessageStream> open_stream(
        const std::string& method, const std::string& request, const CallOptions& options
    );

    // Refuses new calls, waits so long for calls that outlive their callers, then ends the rest and
    // disconnects. Called once, before destruction.
    Task<> close(Duration patience);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::grpc
