// SPDX-License-Identifier: Apache-2.0
#include "common/async/timeout.hpp"

#include "common/async/task_group.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace farhold {

namespace asio = boost::asio;

namespace {

Task<> run_contender(Task<> task, First self, std::optional<First>& first, TaskGroup& group) {
    co_await std::move(task);
    if (!first) {
        first = self;
    }
    group.cancel();
}

}  // namespace

Task<> sleep_for(Duration duration) {
    asio::steady_timer timer(co_await this_executor, duration);
    co_await timer.async_wait(asio::use_awaitable);  // Throws when cancelled, as task.hpp says.
}

Task<First> race(Task<> left, Task<> right) {
    std::optional<First> first;
    TaskGroup group(co_await this_executor);
    group.spawn(run_contender(std::move(left), First::left, first, group));
    group.spawn(run_contender(std::move(right), First::right, first, group));
    co_await group.join();
    if (!first) {  // Both were unwound: we are cancelled ourselves.
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return *first;
}

}  // namespace farhold
