// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/store_queue.hpp"

#include "cloudcore/apiserver/device_rules.hpp"
#include "common/base/error.hpp"
#include "common/kuberest/route.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

namespace farhold::apiserver {
namespace {

constexpr std::size_t kWaitingMax = 4'096;
// More changes than that in one batch wake all watches instead of looking at each key.
constexpr std::size_t kChangesMax = 256;

// Of our own kinds only: what a client invents must not make series.
std::string_view resource_of(std::string_view path) {
    static constexpr std::array<std::string_view, 12> kResources = {
        "pods",    "nodes",        "configmaps",     "secrets",
        "leases",  "events",       "namespaces",     "serviceaccounts",
        "devices", "devicemodels", "devicestatuses", "customresourcedefinitions",
    };
    std::vector<std::string_view> elements = kuberest::path_elements(path);
    if (elements.size() < 3) return "other";
    std::size_t at = elements.front() == "api" ? 2 : 3;
    // "/api/v1/namespaces/NAME/pods" is about pods.
    if (elements.size() > at + 2 && elements[at] == "namespaces") at += 2;
    if (at >= elements.size()) return "other";
    const auto* const known = std::ranges::find(kResources, elements[at]);
    return known == kResources.end() ? "other" : *known;
}

kubeschema::Registry served_kinds() {
    kubeschema::Registry registry = kubeschema::Registry::built_in();
    add_device_rules(registry);
    return registry;
}

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
    Executor executor, std::unique_ptr<kubestore::Store> store, kuberest::AccountTokens tokens,
    const Clock& clock, metrics::Registry& metrics, log::Logger logger
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
      unwritable_(
          logger_, "store cannot be written", "store can be written again", log::Level::error
      ),
      uncompacted_(logger_, "compaction failed", "compaction succeeded again"),
      registration_(metrics.collect([this](metrics::Samples& samples) {
          samples
              .histogram(
                  "farhold_api_commit_seconds",
                  "How long a group of requests takes, with its commit."
              )
              .add(commit_seconds_);
      })),
      store_(std::move(store)),
      api_(*store_, served_kinds(), Random::from_system(), std::move(tokens)),
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
        const Instant began = clock_.now().mono;
        co_await thread_.run(work);
        const Instant ended = clock_.now().mono;
        if (batch.committed) {
            commit_seconds_.observe(std::chrono::duration<double>(ended - began).count());
            unwritable_.over(ended);
        } else {
            unwritable_.met(batch.committed.error().message(), ended);
        }
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
        if (compacted) {
            uncompacted_.over(clock_.now().mono);
        } else {
            uncompacted_.met(compacted.error().message(), clock_.now().mono);
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
    if (!batch.committed) {
        api_.forget_definitions();
    }
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

kuberest::Response StoreQueue::count(
    std::string_view method, std::string_view path, kuberest::Response response
) {
    // What a client invents must not make series.
    static constexpr std::array<std::string_view, 5> kMethods = {
        "GET", "POST", "PUT", "PATCH", "DELETE"
    };
    const bool known = std::ranges::find(kMethods, method) != kMethods.end();
    metrics_
        .counter(
            "farhold_api_requests_total", "Requests answered, watches when they begin.",
            {{"method", known ? std::string(method) : "other"},
             {"resource", std::string(resource_of(path))},
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
        co_return count(
            request.method, request.path, kuberest::Api::refusal(kuberest::too_many("requests"))
        );
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
        exchange->request.method, exchange->request.path,
        committed ? std::move(exchange->response) : commit_failed()
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
