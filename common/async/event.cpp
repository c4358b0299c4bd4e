// SPDX-License-Identifier: Apache-2.0
#include "common/async/event.hpp"

#include "common/base/ensure.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <utility>

namespace farhold {

namespace asio = boost::asio;

struct Event::Impl {
    explicit Impl(Executor executor) : timer(std::move(executor)) {}

    // With the timer's expiry set: whether the event was set before it.
    Task<bool> wait() {
        ensure(!waiting, "an event has one waiter at a time");
        boost::system::error_code error;
        if (!is_set) {
            waiting = true;
            co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
            waiting = false;
        }
        if (std::exchange(is_set, false)) {
            co_return true;
        }
        if (error) {  // Not by set(), so the coroutine is cancelled.
            throw boost::system::system_error(error);
        }
        co_return false;
    }

    asio::steady_timer timer;
    bool is_set = false;
    bool waiting = false;
};

Event::Event(Executor executor) : impl_(std::make_unique<Impl>(std::move(executor))) {}

Event::~Event() = default;

void Event::set() {
    impl_->is_set = true;
    impl_->timer.cancel();
}

Task<> Event::wait() {
    impl_->timer.expires_at(asio::steady_timer::time_point::max());
    co_await impl_->wait();
}

Task<bool> Event::wait_for(Duration limit) {
    impl_->timer.expires_after(limit);
    co_return co_await impl_->wait();
}

}  // namespace farhold
