// SPDX-License-Identifier: Apache-2.0
//
// A bounded queue between coroutines of one executor, with one reader. A full mailbox refuses; what
// to do then (drop, close the slow reader, coalesce) is the sender's policy.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/base/error.hpp"

#include <cstddef>
#include <deque>
#include <utility>

namespace farhold {

template <class T>
class Mailbox {
public:
    Mailbox(Executor executor, std::size_t capacity)
        : capacity_(capacity), changed_(std::move(executor)) {}

    // False when it is full or closed.
    [[nodiscard]] bool try_push(T value) {
        if (closed_ || queue_.size() >= capacity_) {
            return false;
        }
        queue_.push_back(std::move(value));
        changed_.set();
        return true;
    }

    // The oldest value; ErrorCode::unavailable when it was closed and everything has been read.
    Task<Result<T>> pop() {
        while (queue_.empty()) {
            if (closed_) {
                co_return fail(ErrorCode::unavailable, "mailbox closed");
            }
            co_await changed_.wait();
        }
        T value = std::move(queue_.front());
        queue_.pop_front();
        co_return std::move(value);
    }

    void close() {
        closed_ = true;
        changed_.set();
    }

    std::size_t size() const { return queue_.size(); }

private:
    std::size_t capacity_;
    bool closed_ = false;
    std::deque<T> queue_;
    Event changed_;
};

}  // namespace farhold
