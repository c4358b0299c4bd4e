// SPDX-License-Identifier: Apache-2.0
//
// Waiting with an end. All of it is monotonic.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"

#include <optional>
#include <string>
#include <utility>

namespace farhold {

Task<> sleep_for(Duration duration);

// Runs both; when one has ended the other is cancelled and waited for. Answers which ended first.
enum class First : unsigned char { left, right };
Task<First> race(Task<> left, Task<> right);

namespace detail {

template <class T>
Task<> store_result(Task<Result<T>> task, std::optional<Result<T>>& result) {
    result.emplace(co_await std::move(task));
}

}  // namespace detail

// The task's result, or ErrorCode::deadline with that message when it had to be cancelled because the
// time ran out.
template <class T>
Task<Result<T>> with_timeout(
    Task<Result<T>> task, Duration limit, std::string message = "timed out"
) {
    std::optional<Result<T>> result;
    const First first =
        co_await race(detail::store_result(std::move(task), result), sleep_for(limit));
    const bool cancelled =
        !result || (!result->has_value() && result->error().code() == ErrorCode::cancelled);
    if (first == First::right && cancelled) {
        co_return fail(ErrorCode::deadline, std::move(message));
    }
    if (!result) {
        co_return fail(ErrorCode::cancelled, "cancelled");
    }
    co_return std::move(*result);
}

}  // namespace farhold
