// SPDX-License-Identifier: Apache-2.0
//
// Owner of running coroutines: nothing in Farhold is detached. Whoever spawns into a group joins it
// before the group ends; the destructor ensures that nothing runs any more. All calls are made on
// the group's executor.
//
// A group is a member of a part with a life cycle (spawn in start(), cancel() and join() in stop()).
// A coroutine that needs helpers of its own uses run_with_group(): once a coroutine is cancelled it
// can await nothing any more, so it could not join a group that is its local.
#pragma once

#include "common/async/task.hpp"

#include <cstddef>
#include <functional>
#include <memory>

namespace farhold {

class TaskGroup {
public:
    explicit TaskGroup(Executor executor);
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup();

    // Starts the task from the loop, not inside this call. After cancel() the task is cancelled
    // before it starts. An exception that leaves the task is a bug and ends the process, except the
    // unwinding of a cancelled one.
    void spawn(Task<> task);

    // Cancels everything that runs now or is spawned later. Does not wait.
    void cancel();

    // Returns when nothing runs any more. Does not cancel by itself; but when the joining coroutine
    // is cancelled, so is the group, and join still waits for the end of everything.
    Task<> join();

    std::size_t size() const;

private:
    struct State;
    std::shared_ptr<State> state_;  // Shared with the completion handlers of the tasks.
};

// Runs the body with a group. When the body has ended, or the caller is cancelled, everything in the
// group is cancelled; returns when all of it has ended.
Task<> run_with_group(std::function<Task<>(TaskGroup&)> body);

}  // namespace farhold
