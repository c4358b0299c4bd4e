// SPDX-License-Identifier: Apache-2.0
//
// A notifier for coroutines of one executor: "something changed, look again". set() before wait()
// is remembered once; wait() takes it back (auto reset). One waiter at a time.
#pragma once

#include "common/async/task.hpp"
#include "common/base/time.hpp"

#include <memory>

namespace farhold {

class Event {
public:
    explicit Event(Executor executor);
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event();

    void set();

    Task<> wait();

    // True when it was set, false when the time ran out first.
    Task<bool> wait_for(Duration limit);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold
