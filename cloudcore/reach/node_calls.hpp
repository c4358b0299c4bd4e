// SPDX-License-Identifier: Apache-2.0
//
// Requests that machines answer, from a client's HTTP exchange through the tunnel and back. Each is
// logged when it is over: who, whom, what, how much and how long.
#pragma once

#include "cloudcore/reach/node_call.hpp"
#include "cloudcore/reach/node_streams.hpp"
#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/log/log.hpp"
#include "common/net/http_server.hpp"
#include "common/net/http_stream_call.hpp"
#include "common/net/relay.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace farhold::reach {

struct NodeCallCounters {
    std::uint64_t begun = 0;
    std::uint64_t failed = 0;  // No answer of the machine's came.
    std::uint64_t bytes_to_machines = 0;
    std::uint64_t bytes_from_machines = 0;
};

// An error as this server's clients know them.
using MakeRefusal = std::function<net::HttpResponse(int status, const std::string& message)>;

class NodeCalls {
public:
    // The references must outlive it.
    NodeCalls(NodeStreams& streams, const Clock& clock, log::Logger logger)
        : streams_(streams), clock_(clock), logger_(std::move(logger)) {}

    // `translates`: the client is no API server, and its WebSockets are for us to understand.
    Task<> serve(net::HttpExchange& exchange, NodeCall call, bool translates, MakeRefusal refusal);

    // The whole answer to a GET, for our own use; not logged.
    Task<Result<net::HttpResponse>> get(std::string node, std::string target);

    [[nodiscard]] const NodeCallCounters& counters() const { return counters_; }

private:
    struct Session;

    Task<Result<std::unique_ptr<net::HttpStreamCall>>> ask(
        const NodeCall& call, const CallSubject& subject, net::HttpRequest request
    );
    Task<Result<>> serve_plain(Session& session);
    Task<Result<>> serve_upgrade(Session& session);
    Task<Result<>> serve_websocket(Session& session);
    Task<Result<>> refuse(Session& session, net::HttpStreamCall& answer);
    Task<Result<>> refuse(Session& session, const Error& error);
    void log_end(const Session& session);

    NodeStreams& streams_;
    const Clock& clock_;
    log::Logger logger_;
    NodeCallCounters counters_;
};

}  // namespace farhold::reach
