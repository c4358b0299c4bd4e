// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/log_watch.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <utility>

namespace farhold::nodeapi {

namespace asio = boost::asio;

struct LogWatch::Impl {
    explicit Impl(const Executor& executor) : queue(executor) {
        // Without one, followers look once a second.
        if (const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC); fd >= 0) {
            queue.assign(fd);
        }
    }

    void take_events() {
        alignas(inotify_event) std::array<char, 16 << 10> buffer;
        for (;;) {
            const auto count = ::read(queue.native_handle(), buffer.data(), buffer.size());
            if (count <= 0) {
                return;
            }
            for (std::size_t at = 0; at < static_cast<std::size_t>(count);) {
                inotify_event event = {};
                std::memcpy(&event, buffer.data() + at, sizeof event);
                at += sizeof event + event.len;
                const auto [first, last] = followers.equal_range(event.wd);
                for (auto each = first; each != last; ++each) {
                    each->second->set();
                }
            }
        }
    }

    asio::posix::stream_descriptor queue;
    std::multimap<int, Event*> followers;  // By the watched folder.
};

LogWatch::LogWatch(Executor executor) : impl_(std::make_unique<Impl>(executor)) {}
LogWatch::~LogWatch() = default;

Task<> LogWatch::run() {
    boost::system::error_code error;
    while (!error && impl_->queue.is_open()) {
        co_await impl_->queue.async_wait(
            asio::posix::stream_descriptor::wait_read,
            asio::redirect_error(asio::use_awaitable, error)
        );
        impl_->take_events();
    }
}

LogWatch::Registration::Registration(LogWatch& watch, const std::string& directory, Event& changed)
    : watch_(watch), folder_(-1), changed_(changed) {
    if (!watch.impl_->queue.is_open()) {
        return;
    }
    // The same number again when somebody watches the folder already.
    folder_ = ::inotify_add_watch(
        watch.impl_->queue.native_handle(), directory.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_FROM
    );
    if (folder_ >= 0) {
        watch.impl_->followers.emplace(folder_, &changed);
    }
}

LogWatch::Registration::~Registration() {
    if (folder_ < 0) {
        return;
    }
    auto& followers = watch_.impl_->followers;
    const auto [first, last] = followers.equal_range(folder_);
    for (auto each = first; each != last; ++each) {
        if (each->second == &changed_) {
            followers.erase(each);
            break;
        }
    }
    if (!followers.contains(folder_)) {
        ::inotify_rm_watch(watch_.impl_->queue.native_handle(), folder_);
    }
}

}  // namespace farhold::nodeapi
