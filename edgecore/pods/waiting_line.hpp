// SPDX-License-Identifier: Apache-2.0
//
// Two small gates between the workers, all on the loop:
// StartLimit lets so many of them start a sandbox at once (runtime.md 9: more than four at a time
// only makes each one slower); SharedListing answers everybody who asks with one listing of the
// runtime, begun after they asked.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "edgecore/runtime/container_runtime.hpp"

#include <list>
#include <memory>
#include <optional>

namespace farhold::pods {

class StartLimit {
public:
    class Slot {
    public:
        explicit Slot(StartLimit& limit) : limit_(&limit) {}
        Slot(Slot&& other) noexcept : limit_(std::exchange(other.limit_, nullptr)) {}
        Slot& operator=(Slot&&) = delete;
        ~Slot();

    private:
        StartLimit* limit_;
    };

    StartLimit(Executor executor, int slots) : executor_(std::move(executor)), free_(slots) {}

    Task<Slot> acquire();

private:
    struct Waiter;

    Executor executor_;
    int free_;
    std::list<Waiter*> waiters_;
};

using RuntimeStatePtr = std::shared_ptr<const runtime::RuntimeState>;

class SharedListing {
public:
    SharedListing(Executor executor, runtime::ContainerRuntime& runtime);
    ~SharedListing();

    Task<Result<RuntimeStatePtr>> get();

    // Serves the waiters; until cancelled.
    Task<> run();

private:
    struct Waiter;

    Executor executor_;
    runtime::ContainerRuntime& runtime_;
    Event asked_;
    std::list<Waiter*> waiting_;  // For the next listing.
    std::list<Waiter*> served_;   // By the one under way.
};

}  // namespace farhold::pods
