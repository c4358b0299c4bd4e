// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/store_queue.hpp"

#include "common/base/error.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace farhold::apiserver {
namespace {

constexpr std::size_t kWaitingMax = 4'096;
// More changes than that in one batch wake all watches instead of looking at each key.
constexpr std::size_t kChangesMax = 256;

kuberest::Response commit_failed() {
    return kuberest::Api::refusal(
        kuberest::internal_error({ErrorCode::internal, "the store could not be written"})
    );
}

}  // namespace

// Shared by the caller, who may be cancelled, and the batch that it is in.
struct StoreQueue::Job {
    Job(Executor executor, std::function<void()> job_work)
        : work(std::move(job_work)), finished(std::move(executor)) {}

    std::function<void()> work;
    bool committed = false;
    Event finished;
};

struct StoreQueue::Batch {
    std::vector<std::shared_ptr<Job>> jobs;
    Result<void> committed;
    Result<kubestore::EventBatch> changes;
    kubestore::Revision revision = 0;  // After it.
};

StoreQueue::Subscription::Subscription(StoreQueue& queue, Executor executor, std::string prefix)
    : queue_(queue), prefix_(std::move(prefix)), changed_(std::move(executor)) {
    queue_.subscriptions_.push_back(this);
}

StoreQueue::Subscription::~Subscription() {
    std::erase(queue_.subscriptions_, this);
}

StoreQueue::StoreQueue(
    Executor executor, std::unique_ptr<kubestore::Store> store, const Clock& clock,
    metrics::Registry& metrics, log::Logger logger
)
    : executor_(executor),
      clock_(clock),
      metrics_(metrics),
      commits_(metrics.counter("farhold_api_commits_total", "Groups of requests committed.")),
      failed_commits_(
          metrics.counter("farhold_api_failed_commits_total", "Groups that were rolled back.")
      ),
      revision_(metrics.gauge("farhold_api_store_revision", "The newest committed revision.")),
      logger_(std::move(logger)),
      wanted_(std::move(executor)),
      store_(std::move(store)),
      api_(*store_, kubeschema::Registry::built_in(), Random::from_system()),
      thread_("store") {}

StoreQueue::~StoreQueue() = default;

Task<> StoreQueue::run() {
    while (true) {
        while (waiting_.empty()) {
            co_await wanted_.wait();
        }
        Batch batch;
        batch.jobs = std::exchange(waiting_, {});
        const auto work = [this, &batch] { serve(batch); };
        co_await thread_.run(work);
        if (!batch.committed && !commit_failing_) {
            logger_.error(
                "store cannot be written", {{"error", batch.committed.error().message()}}
            );
        }
        commit_failing_ = !batch.committed;
        (batch.committed ? commits_ : failed_commits_).add();
        revision_.set(batch.revision);
        for (const std::shared_ptr<Job>& job : batch.jobs) {
            job->committed = batch.committed.has_value();
            job->finished.set();
        }
        notify(batch);

        // After the answers, since nobody waits for it.
        const auto compact = [this] { return store_->compact(); };
        const Result<bool> compacted = co_await thread_.run(compact);
        if (!compacted) {
            logger_.warning("compaction failed", {{"error", compacted.error().message()}});
        }
    }
}

// On the store's thread.
void StoreQueue::serve(Batch& batch) {
    const kubestore::Revision before = store_->revision();
    for (const std::shared_ptr<Job>& job : batch.jobs) {
        job->work();
    }
    batch.committed = store_->commit();
    batch.changes = store_->events_after(before, "", kChangesMax);
    batch.revision = store_->revision();
}

void StoreQueue::notify(const Batch& batch) {
    const bool all = !batch.changes || batch.changes->events.size() == kChangesMax;
    for (Subscription* subscription : subscriptions_) {
        const auto concerns = [subscription](const kubestore::EventPtr& event) {
            return event->key.starts_with(subscription->prefix_);
        };
        if (all || std::ranges::any_of(batch.changes->events, concerns)) {
            subscription->changed_.set();
        }
    }
}

kuberest::Response StoreQueue::count(std::string_view method, kuberest::Response response) {
    // What a client invents must not make series.
    static constexpr std::array<std::string_view, 5> kMethods = {
        "GET", "POST", "PUT", "PATCH", "DELETE"
    };
    const bool known = std::ranges::find(kMethods, method) != kMethods.end();
    metrics_
        .counter(
            "farhold_api_requests_total", "Requests answered, watches when they begin.",
            {{"method", known ? std::string(method) : "other"},
             {"code", std::to_string(response.code)}}
        )
        .add();
    return response;
}

Task<bool> StoreQueue::execute(std::shared_ptr<Job> job) {
    waiting_.push_back(job);
    wanted_.set();
    co_await job->finished.wait();
    co_return job->committed;
}

Task<kuberest::Response> StoreQueue::handle(kuberest::Request request) {
    if (waiting_.size() >= kWaitingMax) {
        co_return count(request.method, kuberest::Api::refusal(kuberest::too_many("requests")));
    }
    // Both belong to the job: the caller may be gone when it is executed.
    struct Exchange {
        kuberest::Request request;
        kuberest::Response response;
    };
    const auto exchange = std::make_shared<Exchange>();
    exchange->request = std::move(request);
    auto job = std::make_shared<Job>(executor_, [this, exchange] {
        exchange->response = api_.handle(exchange->request, clock_.now().wall);
    });
    const bool committed = co_await execute(std::move(job));
    co_return count(
        exchange->request.method, committed ? std::move(exchange->response) : commit_failed()
    );
}

Task<kuberest::Watcher::Lines> StoreQueue::poll(
    std::shared_ptr<kuberest::Watcher> watcher, bool bookmark
) {
    const auto lines = std::make_shared<kuberest::Watcher::Lines>();
    auto job = std::make_shared<Job>(executor_, [this, watcher, lines, bookmark] {
        *lines = watcher->poll(clock_.now().wall);
        if (bookmark && lines->text.empty() && !lines->ended) {
            lines->text = watcher->bookmark();
        }
    });
    const bool committed = co_await execute(std::move(job));
    if (!committed) {
        // What it may have shown was rolled back.
        lines->text.clear();
        lines->ended = true;
    }
    co_return std::move(*lines);
}

}  // namespace farhold::apiserver
