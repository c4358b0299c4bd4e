// SPDX-License-Identifier: Apache-2.0
//
// Runs a coroutine on a loop of its own until it has ended, as a program's main would. The body is
// called once and stays alive meanwhile, so here a coroutine may be a lambda with captures.
#pragma once

#include "common/async/task.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <stdexcept>

namespace farhold::test {

template <class Body>
void run_task(Body body) {
    constexpr auto kPatience = std::chrono::seconds(60);  // Beyond it the test hangs.
    boost::asio::io_context loop(1);
    bool ended = false;
    std::exception_ptr failure;
    boost::asio::co_spawn(loop, body(), [&](std::exception_ptr exception) {
        ended = true;
        failure = std::move(exception);
    });
    loop.run_for(kPatience);
    if (failure) {
        std::rethrow_exception(failure);
    }
    if (!ended) {
        throw std::runtime_error("the task did not end");
    }
}

}  // namespace farhold::test
