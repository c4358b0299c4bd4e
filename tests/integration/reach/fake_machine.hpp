// SPDX-License-Identifier: Apache-2.0
//
// A machine in memory with a container runtime that speaks SPDY: what it is told to execute is "cat",
// "exit N" or "size", which tells each size of its terminal; what is forwarded to it comes back.
#pragma once

#include "cloudcore/reach/node_streams.hpp"
#include "common/async/task_group.hpp"
#include "common/net/http_server.hpp"

#include <memory>
#include <string>

namespace farhold::test {

class FakeMachine final : public reach::NodeStreams {
public:
    explicit FakeMachine(const Executor& executor) : executor_(executor), group_(executor) {}

    Task<Result<std::unique_ptr<net::ByteStream>>> open(std::string node, streams::StreamClass cls)
        override;
    Task<> stop();

private:
    Task<> serve(std::unique_ptr<net::ByteStream> stream);
    static Task<> answer(net::HttpExchange& exchange);
    static Task<> run_session(net::HttpExchange& exchange);

    Executor executor_;
    TaskGroup group_;
};

}  // namespace farhold::test
