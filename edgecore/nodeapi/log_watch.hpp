// SPDX-License-Identifier: Apache-2.0
//
// Tells whoever follows a log when something happened in its folder, through the kernel's inotify: one
// descriptor for all of them. It may miss something (a full queue, a folder not there yet), so
// followers look by themselves now and then. Runs on the loop.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"

#include <memory>
#include <string>

namespace farhold::nodeapi {

class LogWatch {
public:
    explicit LogWatch(Executor executor);
    LogWatch(const LogWatch&) = delete;
    LogWatch& operator=(const LogWatch&) = delete;
    ~LogWatch();

    // Sets the events of the registered; until cancelled.
    Task<> run();

    // The event is set as long as this lives; must not outlive the watch.
    class Registration {
    public:
        Registration(LogWatch& watch, const std::string& directory, Event& changed);
        Registration(const Registration&) = delete;
        Registration& operator=(const Registration&) = delete;
        ~Registration();

    private:
        LogWatch& watch_;
        int folder_;
        Event& changed_;
    };

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::nodeapi
