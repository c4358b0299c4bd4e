// SPDX-License-Identifier: Apache-2.0
#include "common/async/task_group.hpp"

#include "common/base/ensure.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <functional>
#include <list>
#include <utility>
#include <vector>

namespace farhold {

namespace asio = boost::asio;

namespace {

bool is_unwinding_of_cancelled(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const boost::system::system_error& error) {
        return error.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

// The first wait is ours: co_spawn would run the task inside the call that spawns it, and it throws
// out of the loop when a task that never waited has been cancelled.
Task<> start_from_loop(Task<> task) {
    co_await asio::post(asio::use_awaitable);
    co_await std::move(task);
}

}  // namespace

struct TaskGroup::State {
    explicit State(Executor group_executor) : executor(std::move(group_executor)) {}

    void cancel() {
        cancelled = true;
        for (auto& signal : running) {
            signal.emit(asio::cancellation_type::terminal);
        }
    }

    void ended(std::list<asio::cancellation_signal>::iterator task, std::exception_ptr exception) {
        if (exception && !(cancelled && is_unwinding_of_cancelled(exception))) {
            // Out of the event loop's hands, so that the process ends with the exception's message.
            [&]() noexcept { std::rethrow_exception(exception); }();
        }
        running.erase(task);
        if (running.empty()) {
            for (auto& joiner : std::exchange(joiners, {})) {
                asio::post(executor, std::move(joiner));
            }
        }
    }

    Executor executor;
    bool cancelled = false;
    std::list<asio::cancellation_signal> running;
    std::vector<std::move_only_function<void()>> joiners;
};

TaskGroup::TaskGroup(Executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

TaskGroup::~TaskGroup() {
    ensure(state_->running.empty(), "a task group was joined before its end");
}

void TaskGroup::spawn(Task<> task) {
    const auto signal = state_->running.emplace(state_->running.end());
    auto on_end = [state = state_, signal](std::exception_ptr exception) {
        state->ended(signal, std::move(exception));
    };
    asio::co_spawn(
        state_->executor, start_from_loop(std::move(task)),
        asio::bind_cancellation_slot(signal->slot(), std::move(on_end))
    );
    if (state_->cancelled) {
        signal->emit(asio::cancellation_type::terminal);
    }
}

void TaskGroup::cancel() {
    state_->cancel();
}

Task<> TaskGroup::join() {
    if (state_->running.empty()) {
        co_return;
    }
    // One operation for the whole wait: a cancelled coroutine could not begin a second one.
    auto wait = [state = state_](auto handler) {
        auto slot = asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected()) {
            slot.assign([state](asio::cancellation_type) { state->cancel(); });
        }
        state->joiners.emplace_back([slot, handler = std::move(handler)]() mutable {
            slot.clear();
            std::move(handler)();
        });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        std::move(wait), asio::use_awaitable
    );
}

std::size_t TaskGroup::size() const {
    return state_->running.size();
}

namespace {

Task<> run_body(const std::function<Task<>(TaskGroup&)>& body, TaskGroup& group) {
    co_await body(group);
    group.cancel();
}

}  // namespace

Task<> run_with_group(std::function<Task<>(TaskGroup&)> body) {
    TaskGroup group(co_await this_executor);
    group.spawn(run_body(body, group));
    co_await group.join();
}

}  // namespace farhold
