// SPDX-License-Identifier: Apache-2.0
//
// One thread for blocking work (SQLite, fsync, file walks): run() executes a function there, in the
// order of the calls, and resumes the coroutine on its own executor. Work that has been handed over
// is always finished, also when the waiting coroutine is cancelled: half a commit helps nobody.
// The destructor finishes what is queued and joins the thread; nobody may wait in run() by then.
#pragma once

#include "common/async/task.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace farhold {

class WorkerThread {
public:
    // Where no thread can be started the program ends with exit code 1 and says so.
    explicit WorkerThread(const std::string& name);
    WorkerThread(const WorkerThread&) = delete;
    WorkerThread& operator=(const WorkerThread&) = delete;
    ~WorkerThread();

    // The function must not throw. What it refers to must outlive the call.
    template <class F>
    Task<std::invoke_result_t<F&>> run(F work) {
        using Outcome = std::invoke_result_t<F&>;
        if constexpr (std::is_void_v<Outcome>) {
            std::function<void()> job = [&work] { work(); };
            co_await execute(std::move(job));
        } else {
            std::optional<Outcome> outcome;
            std::function<void()> job = [&work, &outcome] { outcome.emplace(work()); };
            co_await execute(std::move(job));
            co_return std::move(*outcome);
        }
    }

private:
    Task<> execute(std::function<void()> job);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold
