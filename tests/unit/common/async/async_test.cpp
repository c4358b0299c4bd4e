// SPDX-License-Identifier: Apache-2.0
#include "common/async/event.hpp"
#include "common/async/mailbox.hpp"
#include "common/async/task_group.hpp"
#include "common/async/timeout.hpp"
#include "common/async/worker_thread.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace farhold;
using namespace std::chrono_literals;
using farhold::test::run_task;

namespace {

// Longer than any test may take: reaching it is a failure, not a delay.
constexpr auto kForever = 1h;

struct Guard {
    explicit Guard(int& counter) : alive(counter) { ++alive; }
    ~Guard() { --alive; }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    int& alive;
};

Task<> wait_forever(int& alive) {
    const Guard guard(alive);
    co_await sleep_for(kForever);
}

Task<> set_after_turn(Event& event) {
    co_await sleep_for(0s);
    event.set();
}

Task<Result<int>> answer(int value) {
    co_return value;
}

Task<Result<int>> never_answer(int& alive) {
    co_await wait_forever(alive);
    co_return 0;
}

Task<Result<int>> pop_as_result(Mailbox<int>& mailbox) {
    co_return co_await mailbox.pop();
}

}  // namespace

TEST_CASE("task_group: cancel ends every task and join returns after the last", "[async]") {
    int alive = 0;
    run_task([&]() -> Task<> {
        TaskGroup group(co_await this_executor);
        group.spawn(wait_forever(alive));
        group.spawn(wait_forever(alive));
        co_await sleep_for(0s);
        CHECK(alive == 2);
        group.cancel();
        co_await group.join();
        CHECK(alive == 0);
        CHECK(group.size() == 0);
    });
}

TEST_CASE("task_group: a task spawned after cancel ends at its first wait", "[async]") {
    int alive = 0;
    run_task([&]() -> Task<> {
        TaskGroup group(co_await this_executor);
        group.cancel();
        group.spawn(wait_forever(alive));
        co_await group.join();
    });
    CHECK(alive == 0);
}

TEST_CASE("task_group: a cancelled join cancels the group and still waits for it", "[async]") {
    int alive = 0;
    run_task([&]() -> Task<> {
        const auto body = [&alive](TaskGroup& inner) -> Task<> {
            inner.spawn(wait_forever(alive));
            co_await sleep_for(kForever);
        };
        TaskGroup outer(co_await this_executor);
        outer.spawn(run_with_group(body));
        for (int turn = 0; turn < 10; ++turn) {
            co_await sleep_for(0s);
        }
        CHECK(alive == 1);
        outer.cancel();
        co_await outer.join();
        CHECK(alive == 0);
    });
}

TEST_CASE("run_with_group: what the body spawned ends with the body", "[async]") {
    int alive = 0;
    run_task([&]() -> Task<> {
        const auto body = [&alive](TaskGroup& group) -> Task<> {
            group.spawn(wait_forever(alive));
            co_await sleep_for(0s);
        };
        co_await run_with_group(body);
        CHECK(alive == 0);
    });
}

TEST_CASE("race: the loser is cancelled and has ended when race returns", "[async]") {
    int alive = 0;
    run_task([&]() -> Task<> {
        CHECK(co_await race(wait_forever(alive), sleep_for(0s)) == First::right);
        CHECK(alive == 0);
        CHECK(co_await race(sleep_for(0s), wait_forever(alive)) == First::left);
        CHECK(alive == 0);
    });
}

TEST_CASE("with_timeout: gives the result, or deadline when time ran out", "[async]") {
    int alive = 0;
    run_task([&]() -> Task<> {
        const auto in_time = co_await with_timeout(answer(7), kForever);
        CHECK(in_time.value() == 7);
        const auto late = co_await with_timeout(never_answer(alive), 1ms);
        CHECK(late.error().code() == ErrorCode::deadline);
        CHECK(alive == 0);
    });
}

TEST_CASE("event: a set before the wait is remembered once", "[async]") {
    run_task([&]() -> Task<> {
        Event event(co_await this_executor);
        event.set();
        event.set();
        CHECK(co_await event.wait_for(kForever));
        CHECK_FALSE(co_await event.wait_for(1ms));
    });
}

TEST_CASE("event: set wakes the waiter", "[async]") {
    run_task([&]() -> Task<> {
        Event event(co_await this_executor);
        TaskGroup group(co_await this_executor);
        group.spawn(set_after_turn(event));
        co_await event.wait();
        co_await group.join();
    });
}

TEST_CASE("event: a cancelled wait unwinds the waiter and the event stays usable", "[async]") {
    run_task([&]() -> Task<> {
        Event event(co_await this_executor);
        CHECK(co_await race(event.wait(), sleep_for(0s)) == First::right);
        event.set();
        CHECK(co_await event.wait_for(kForever));
    });
}

TEST_CASE("mailbox: refuses when full and hands out the rest after closing", "[async]") {
    run_task([&]() -> Task<> {
        Mailbox<int> mailbox(co_await this_executor, 2);
        CHECK(mailbox.try_push(1));
        CHECK(mailbox.try_push(2));
        CHECK_FALSE(mailbox.try_push(3));
        mailbox.close();
        CHECK_FALSE(mailbox.try_push(4));
        CHECK((co_await mailbox.pop()).value() == 1);
        CHECK((co_await mailbox.pop()).value() == 2);
        CHECK((co_await mailbox.pop()).error().code() == ErrorCode::unavailable);
    });
}

TEST_CASE("mailbox: a reader whose wait timed out loses nothing", "[async]") {
    run_task([&]() -> Task<> {
        Mailbox<int> mailbox(co_await this_executor, 2);
        const auto late = co_await with_timeout(pop_as_result(mailbox), 1ms);
        CHECK(late.error().code() == ErrorCode::deadline);
        CHECK(mailbox.try_push(5));
        CHECK((co_await mailbox.pop()).value() == 5);
    });
}

TEST_CASE("worker_thread: runs in order elsewhere and resumes on the loop", "[async]") {
    std::vector<std::thread::id> ids;
    run_task([&]() -> Task<> {
        WorkerThread worker("worker-with-a-long-name");
        const auto loop = std::this_thread::get_id();
        auto text = co_await worker.run([] { return std::make_unique<std::string>("done"); });
        CHECK(*text == "done");
        CHECK(std::this_thread::get_id() == loop);
        co_await worker.run([&ids] { ids.push_back(std::this_thread::get_id()); });
        CHECK(ids.at(0) != loop);
    });
}

TEST_CASE("worker_thread: work that was handed over is finished after a cancellation", "[async]") {
    int finished = 0;
    run_task([&]() -> Task<> {
        WorkerThread worker("worker");
        const auto work = [&finished] { ++finished; };
        TaskGroup group(co_await this_executor);
        group.spawn(worker.run(work));
        co_await sleep_for(0s);
        group.cancel();
        co_await group.join();
        CHECK(finished == 1);
    });
}
