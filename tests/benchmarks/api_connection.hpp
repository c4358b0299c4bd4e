// SPDX-License-Identifier: Apache-2.0
//
// One connection to a Kubernetes API that is kept open for one request after the other, or for one
// watch: what a benchmark needs and a command line does not. Errors are thrown.
#pragma once

#include "common/async/task.hpp"
#include "common/net/connection.hpp"
#include "common/net/peer.hpp"
#include "common/net/tls_context.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace farhold::bench {

struct ApiAccess {
    net::Endpoint server;
    std::shared_ptr<const net::TlsContext> tls;
};

// As the kubeconfig says.
ApiAccess api_access(const std::string& kubeconfig);

struct ApiAnswer {
    int status = 0;
    std::string body;
};

class ApiConnection {
public:
    static Task<std::unique_ptr<ApiConnection>> open(ApiAccess access);

    Task<ApiAnswer> ask(std::string method, std::string target, std::string body = {});

    // After it, only next_event() may be called: one line of JSON, or nothing at the end.
    Task<> begin_watch(std::string target);
    Task<std::optional<std::string>> next_event();

private:
    struct Head {
        int status = 0;
        bool chunked = false;
        std::size_t length = 0;
    };

    explicit ApiConnection(std::shared_ptr<net::Connection> connection)
        : connection_(std::move(connection)) {}

    Task<> send(std::string method, std::string target, std::string body);
    Task<Head> read_head();
    Task<bool> read_more();
    // Appends the next chunk; false after the last.
    Task<bool> read_chunk(std::string& into);

    std::shared_ptr<net::Connection> connection_;
    std::string unread_;
    std::string events_;  // Of the watch, without chunk marks.
};

}  // namespace farhold::bench
