// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/waiting_line.hpp"

#include <utility>

namespace farhold::pods {

// Lives in the frame of the coroutine that waits, and leaves the line with it when it is cancelled.
struct StartLimit::Waiter {
    explicit Waiter(StartLimit& owner) : limit(owner), turn(owner.executor_) {
        limit.waiters_.push_back(this);
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() {
        limit.waiters_.remove(this);
        if (granted && !taken) {
            Slot pass_on(limit);  // Cancelled with the slot in hand.
        }
    }

    StartLimit& limit;
    Event turn;
    bool granted = false;
    bool taken = false;
};

StartLimit::Slot::~Slot() {
    if (limit_ == nullptr) {
        return;
    }
    if (limit_->waiters_.empty()) {
        ++limit_->free_;
        return;
    }
    Waiter* next = limit_->waiters_.front();
    limit_->waiters_.pop_front();
    next->granted = true;
    next->turn.set();
}

Task<StartLimit::Slot> StartLimit::acquire() {
    if (free_ > 0) {
        --free_;
        co_return Slot(*this);
    }
    Waiter waiter(*this);
    co_await waiter.turn.wait();
    waiter.taken = true;
    co_return Slot(*this);
}

struct SharedListing::Waiter {
    explicit Waiter(SharedListing& owner) : listing(owner), answered(owner.executor_) {
        listing.waiting_.push_back(this);
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() {
        listing.waiting_.remove(this);
        listing.served_.remove(this);
    }

    SharedListing& listing;
    Event answered;
    std::optional<Result<RuntimeStatePtr>> answer;
};

SharedListing::SharedListing(Executor executor, runtime::ContainerRuntime& runtime)
    : executor_(executor), runtime_(runtime), asked_(std::move(executor)) {}

SharedListing::~SharedListing() = default;

Task<Result<RuntimeStatePtr>> SharedListing::get() {
    Waiter waiter(*this);
    asked_.set();
    co_await waiter.answered.wait();
    co_return std::move(*waiter.answer);
}

Task<> SharedListing::run() {
    while (true) {
        co_await asked_.wait();
        served_ = std::exchange(waiting_, {});
        if (served_.empty()) {
            continue;
        }
        auto listed = co_await runtime_.list();
        Result<RuntimeStatePtr> answer = fail(ErrorCode::internal, "no listing");
        if (listed) {
            answer = std::make_shared<const runtime::RuntimeState>(std::move(*listed));
        } else {
            answer = fail(listed.error());
        }
        for (Waiter* waiter : std::exchange(served_, {})) {
            waiter->answer = answer;
            waiter->answered.set();
        }
    }
}

}  // namespace farhold::pods
