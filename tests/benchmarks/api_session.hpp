// SPDX-License-Identifier: Apache-2.0
//
// The API for code that blocks: a session asks one thing after the other on a connection of its own,
// a watch follows a collection on a thread of its own.
#pragma once

#include "api_connection.hpp"
#include "common/async/task.hpp"
#include "common/json/value.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace farhold::bench {

// Runs the loop until the coroutine has ended; what it throws is thrown here. What else lives on the
// loop goes on with the next one.
inline void run_on(boost::asio::io_context& loop, Task<> task) {
    std::exception_ptr failure;
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown) {
        failure = std::move(thrown);
        loop.stop();
    });
    loop.restart();
    loop.run();
    if (failure) std::rethrow_exception(failure);
}

class ApiSession {
public:
    explicit ApiSession(const ApiAccess& access);

    // Null for 404; throws for any other answer that is no success.
    json::Value ask(std::string method, std::string target, std::string body = {});

private:
    boost::asio::io_context loop_{1};
    std::unique_ptr<ApiConnection> connection_;
};

class ApiWatch {
public:
    // `seen` is called on the watch's thread with each event; after a broken connection all objects
    // come again as ADDED.
    ApiWatch(
        ApiAccess access, std::string collection, std::function<void(const json::Value&)> seen
    );
    ApiWatch(const ApiWatch&) = delete;
    ApiWatch& operator=(const ApiWatch&) = delete;
    ~ApiWatch();

private:
    Task<> follow();

    ApiAccess access_;
    std::string target_;
    std::function<void(const json::Value&)> seen_;
    boost::asio::io_context loop_{1};
    std::thread thread_;
};

}  // namespace farhold::bench
