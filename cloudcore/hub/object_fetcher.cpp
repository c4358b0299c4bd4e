// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/object_fetcher.hpp"

#include "common/async/timeout.hpp"
#include "common/kubeapi/event_record.hpp"

#include <chrono>
#include <utility>

namespace farhold::hub {

namespace {

// Tens of thousands are fetched in seconds, and an API server's other clients notice little.
constexpr std::size_t kFetchesAtOnce = 8;  // As many connections are kept.
constexpr Duration kRetryBase = std::chrono::milliseconds(500);
constexpr Duration kRetryCap = std::chrono::seconds(30);
// No watch tells of a permission that was given back.
constexpr Duration kRefusalStands = std::chrono::minutes(1);

// A refusal is about one object; other errors are about the server or the way there.
bool is_refusal(ErrorCode code) {
    switch (code) {
        case ErrorCode::permission_denied:
        case ErrorCode::invalid_argument:
        case ErrorCode::corrupt:
        case ErrorCode::internal:
            return true;
        default:
            return false;
    }
}

const kubeapi::ResourceRef& resource_of(const std::string& kind) {
    if (kind == "ConfigMap") return kubeapi::kConfigMaps;
    return kind == "Secret" ? kubeapi::kSecrets : kubeapi::kServiceAccounts;
}

json::Value reference_to(const views::BlockedPod& blocked) {
    json::Value reference = json::Value::make_object();
    reference.set("kind", json::Value::of("Pod"));
    reference.set("namespace", json::Value::of(blocked.pod.ns));
    reference.set("name", json::Value::of(blocked.pod.name));
    reference.set("uid", json::Value::of(blocked.uid));
    reference.set("apiVersion", json::Value::of("v1"));
    return reference;
}

}  // namespace

ObjectFetcher::ObjectFetcher(
    Executor executor, kubeapi::KubeClient& client, const Clock& clock, Answered answered,
    log::Logger logger
)
    : client_(client),
      clock_(clock),
      answered_(std::move(answered)),
      logger_(logger.with({{"component", "views"}})),
      unanswered_(logger_, "objects of pods not fetched", "objects of pods fetched again"),
      random_(Random::from_system()),
      backoff_(kRetryBase, kRetryCap),
      due_(executor),
      blocked_changed_(std::move(executor)) {}

void ObjectFetcher::start(TaskGroup& group, views::ClusterViews& views) {
    views_ = &views;
    group_ = &group;
    group.spawn(run());
    group.spawn(tell_people());
}

void ObjectFetcher::look() {
    due_.set();
    for (views::BlockedPod& pod : views_->take_blocked()) blocked_.push_back(std::move(pod));
    if (!blocked_.empty()) blocked_changed_.set();
}

Task<> ObjectFetcher::run() {
    while (true) {
        const Instant now = clock_.now().mono;
        if (now < not_before_) {
            co_await sleep_for(not_before_ - now);
            continue;
        }
        if (under_way_ >= kFetchesAtOnce) {
            co_await due_.wait();
        } else if (auto next = views_->needed().take_due(now)) {
            ++under_way_;
            group_->spawn(fetch(std::move(*next)));
        } else if (const auto due = views_->needed().next_due()) {
            co_await due_.wait_for(*due - now);
        } else {
            co_await due_.wait();
        }
    }
}

Task<> ObjectFetcher::fetch(views::Fetch fetch) {
    const object::ObjectKey& key = fetch.key;
    const auto object = co_await client_.get(resource_of(key.kind), key.ns, key.name);
    --under_way_;
    const Instant now = clock_.now().mono;
    views::ViewChanges changes;
    const ErrorCode code = object ? ErrorCode::cancelled : object.error().code();
    if (object) {
        ++counters_.arrived;
        changes = views_->arrived(fetch, *object);
    } else if (code == ErrorCode::cancelled) {
        co_return;
    } else if (code == ErrorCode::not_found) {
        ++counters_.absent;
        changes = views_->absent(fetch);
    } else if (is_refusal(code)) {
        ++counters_.refused;
        views_->refused(fetch, object.error().message(), now + kRefusalStands);
    } else {
        ++counters_.failed;
        views_->unanswered(fetch);
        unanswered_.met(object.error().message(), now, {{"object", key.text()}});
        if (now >= not_before_) not_before_ = now + backoff_.next(random_);
        look();
        co_return;
    }
    unanswered_.over(now);
    backoff_.reset();
    answered_(changes);
}

Task<> ObjectFetcher::tell_people() {
    while (true) {
        if (blocked_.empty()) {
            co_await blocked_changed_.wait();
            continue;
        }
        const views::BlockedPod blocked = std::move(blocked_.front());
        blocked_.pop_front();
        logger_.warning(
            "pod kept back: what it refers to cannot be read",
            {{"namespace", blocked.pod.ns},
             {"pod", blocked.pod.name},
             {"object", blocked.reference.text()},
             {"error", blocked.reason}}
        );
        json::Value event = kubeapi::make_event(
            reference_to(blocked), "Warning", "FailedToReadReferences",
            "The machine gets this pod when " + blocked.reference.kind + " " +
                blocked.reference.name + " can be read: " + blocked.reason,
            "cloudcore", clock_.now().wall
        );
        // Events are best effort.
        const auto created =
            co_await client_.create(kubeapi::kEvents, blocked.pod.ns, std::move(event));
        if (!created) logger_.debug("event not written", {{"error", created.error().message()}});
    }
}

}  // namespace farhold::hub
