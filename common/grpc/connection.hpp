// SPDX-License-Identifier: Apache-2.0
//
// An http2::Session on a connected stream socket. Private to common/grpc. Runs on one executor; the
// owner calls run() once and keeps the connection until it has returned.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/http2/session.hpp"

#include <functional>
#include <memory>

namespace farhold::grpc {

class Connection {
public:
    // Takes the descriptor over.
    Connection(Executor executor, int descriptor, http2::Role role, const http2::Limits& limits);
    ~Connection();

    // Reads and writes until the connection is over, then answers why. `on_event` is called for
    // each event, and may use the session.
    Task<Error> run(std::function<void(http2::Event)> on_event);

    // After using it outside of `on_event`, call flush().
    http2::Session& session();
    void flush();

    // Ends run() soon, after what is waiting to be written.
    void close();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::grpc
