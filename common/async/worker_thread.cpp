// SPDX-License-Identifier: Apache-2.0
#include "common/async/worker_thread.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <pthread.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace farhold {

namespace asio = boost::asio;

struct WorkerThread::Impl {
    using Job = std::move_only_function<void()>;

    void enqueue(Job job) {
        {
            const std::lock_guard lock(mutex);
            jobs.push_back(std::move(job));
        }
        changed.notify_one();
    }

    // The thread ends at an exception of a job, and with it the process: it is a bug.
    void work() noexcept {
        for (;;) {
            std::unique_lock lock(mutex);
            changed.wait(lock, [this] { return stopping || !jobs.empty(); });
            if (jobs.empty()) {
                return;
            }
            Job job = std::move(jobs.front());
            jobs.pop_front();
            lock.unlock();
            job();
        }
    }

    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Job> jobs;
    bool stopping = false;
    std::thread thread;
};

WorkerThread::WorkerThread(const std::string& name) : impl_(std::make_unique<Impl>()) {
    try {
        impl_->thread = std::thread([impl = impl_.get()] { impl->work(); });
    } catch (const std::system_error& error) {
        // Nobody could go on without it, and parts that are half built have nothing to save.
        std::fprintf(
            stderr, "level=error msg=\"cannot start a thread\" thread=%s error=\"%s\"\n",
            name.c_str(), error.what()
        );
        std::_Exit(1);
    }
    // The kernel takes 15 characters; a longer name would be refused as a whole.
    pthread_setname_np(impl_->thread.native_handle(), name.substr(0, 15).c_str());
}

WorkerThread::~WorkerThread() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->changed.notify_one();
    impl_->thread.join();
}

Task<> WorkerThread::execute(std::function<void()> job) {
    auto start = [impl = impl_.get()](auto handler, std::function<void()> work) {
        // Counts as work of the loop, so that its run() does not return meanwhile.
        auto executor = asio::prefer(
            asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked
        );
        impl->enqueue([executor, handler = std::move(handler), work = std::move(work)]() mutable {
            work();
            asio::post(executor, std::move(handler));
        });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        std::move(start), asio::use_awaitable, std::move(job)
    );
}

}  // namespace farhold
