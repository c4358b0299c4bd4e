// SPDX-License-Identifier: Apache-2.0
//
// Task<T> is what every coroutine of ours returns; errors travel inside it as Result<T>.
//
// Cancellation (TaskGroup::cancel, a lost race, a timeout): the pending call ends at once. Calls
// that return a Result answer ErrorCode::cancelled; calls that return nothing (Event::wait,
// sleep_for, join) unwind the coroutine, and so does any co_await after the cancellation. So on
// ErrorCode::cancelled return at once and leave cleaning up to destructors.
//
// This part and common/base are the project's vocabulary, so they live in plain `farhold`.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

namespace farhold {

template <class T = void>
using Task = boost::asio::awaitable<T>;

// Components take one of these, never an io_context. One component uses one executor whose handlers
// do not run at the same time (a loop with one thread, or a strand).
using Executor = boost::asio::any_io_executor;

// co_await this_executor: the executor that the coroutine runs on.
inline constexpr auto this_executor = boost::asio::this_coro::executor;

}  // namespace farhold
