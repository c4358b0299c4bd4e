// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/autonomy/toleration_keeper.hpp"

#include "cloudcore/autonomy/tolerations.hpp"
#include "common/async/timeout.hpp"
#include "common/kubeapi/event_record.hpp"
#include "common/object/metadata.hpp"

#include <chrono>

namespace farhold::autonomy {

namespace {

// A cluster full of pods is done in minutes, and its other clients notice nothing. Pods have five
// minutes from their machine's silence on.
constexpr std::size_t kWritesAtOnce = 4;
constexpr Duration kPace = std::chrono::milliseconds(20);
constexpr Duration kRetryBase = std::chrono::milliseconds(500);
constexpr Duration kRetryCap = std::chrono::seconds(30);
// How often a pod may change between being read and being written.
constexpr int kTries = 3;
// A refusal may be a rule that somebody takes back. The node controller changes the pods of a silent
// node before it evicts them, so that they are seen, and tried, once more.
constexpr Duration kRefusalStands = std::chrono::minutes(2);
constexpr std::size_t kRefusedRemembered = 1024;

bool is_last_word(ErrorCode code) {
    return code == ErrorCode::invalid_argument || code == ErrorCode::permission_denied;
}

// Items of a typed list may come without their kind.
object::ObjectKey key_of(const json::Value& pod) {
    return {"Pod", std::string(object::ns(pod)), std::string(object::name(pod))};
}

}  // namespace

TolerationKeeper::TolerationKeeper(
    Executor executor, kubeapi::KubeObjects& client, const Clock& clock, log::Logger logger
)
    : client_(client),
      clock_(clock),
      logger_(logger.with({{"component", "autonomy"}})),
      unwritten_(logger_, "tolerations not written", "tolerations written again"),
      random_(Random::from_system()),
      backoff_(kRetryBase, kRetryCap),
      changed_(std::move(executor)) {}

void TolerationKeeper::start(TaskGroup& group) {
    group_ = &group;
    group.spawn(run());
}

void TolerationKeeper::look_at(const kubeapi::ObjectPtr& pod) {
    const object::ObjectKey key = key_of(*pod);
    const auto patch = patch_to_stay(*pod);
    if (!patch) {
        waiting_.erase(key);
        return;
    }
    const auto refusal = refused_.find(std::string(object::uid(*pod)));
    if (refusal != refused_.end() && clock_.now().mono < refusal->second) return;
    // While it is being written, what is seen may be the state before.
    enqueue(
        key, {.uid = std::string(object::uid(*pod)),
              .version = std::string(object::resource_version(*pod)),
              .patch = writing_.contains(key) ? std::string() : patch->dump()}
    );
}

void TolerationKeeper::enqueue(const object::ObjectKey& key, Waiting waiting) {
    if (waiting_.insert_or_assign(key, std::move(waiting)).second) order_.push_back(key);
    changed_.set();
}

std::optional<std::pair<object::ObjectKey, TolerationKeeper::Waiting>> TolerationKeeper::take() {
    for (auto key = order_.begin(); key != order_.end();) {
        if (!waiting_.contains(*key)) {
            key = order_.erase(key);
        } else if (writing_.contains(*key)) {
            ++key;
        } else {
            auto taken = waiting_.extract(*key);
            order_.erase(key);
            return std::pair(taken.key(), std::move(taken.mapped()));
        }
    }
    return std::nullopt;
}

Task<> TolerationKeeper::run() {
    while (true) {
        const Duration pause = not_before_ - clock_.now().mono;
        if (pause > Duration::zero()) {
            co_await sleep_for(pause);
            continue;
        }
        auto next = writing_.size() < kWritesAtOnce ? take() : std::nullopt;
        if (!next) {
            co_await changed_.wait();
            continue;
        }
        writing_.insert(next->first);
        group_->spawn(keep(std::move(next->first), std::move(next->second)));
        co_await sleep_for(kPace);
    }
}

Task<> TolerationKeeper::keep(object::ObjectKey key, Waiting waiting) {
    const std::string uid = waiting.uid;
    const auto written = co_await write(key, std::move(waiting));
    if (!written && written.error().code() == ErrorCode::cancelled) co_return;
    const Instant now = clock_.now().mono;
    writing_.erase(key);
    if (written) {
        unwritten_.over(now);
        backoff_.reset();
    } else {
        ++counters_.failed;
        unwritten_.met(written.error().message(), now, {{"namespace", key.ns}, {"pod", key.name}});
        not_before_ = now + backoff_.next(random_);
        if (!waiting_.contains(key)) enqueue(key, {.uid = uid, .version = {}, .patch = {}});
    }
    changed_.set();
}

Task<Result<>> TolerationKeeper::write(object::ObjectKey key, Waiting pod) {
    std::string tried;  // The pod's version that a write did not fit.
    Error last(ErrorCode::conflict, "it changes all the time");
    for (int tries = 0; tries < kTries; ++tries) {
        if (pod.patch.empty()) {
            const auto current = co_await client_.get(kubeapi::kPods, key.ns, key.name);
            if (!current && current.error().code() == ErrorCode::not_found) co_return Result<>{};
            if (!current) co_return fail(current.error());
            // Another pod of that name is told of by itself.
            if (object::uid(*current) != pod.uid) co_return Result<>{};
            pod.version = object::resource_version(*current);
            if (pod.version == tried && is_last_word(last.code())) {
                co_await tell_refusal(*current, last.message());
                co_return Result<>{};
            }
            const auto patch = patch_to_stay(*current);
            if (!patch) co_return Result<>{};
            pod.patch = patch->dump();
        }
        kubeapi::Patch patch{
            .subresource = {},
            .type = kubeapi::PatchType::json,
            .body = json::Value::parse(pod.patch).value()
        };
        const auto patched =
            co_await client_.patch(kubeapi::kPods, key.ns, key.name, std::move(patch));
        if (patched) {
            ++counters_.written;
            co_return Result<>{};
        }
        last = patched.error();
        if (last.code() == ErrorCode::not_found) co_return Result<>{};
        if (last.code() != ErrorCode::conflict && !is_last_word(last.code())) co_return fail(last);
        tried = pod.version;
        pod.patch.clear();
    }
    co_return fail(last);
}

Task<> TolerationKeeper::tell_refusal(json::Value pod, std::string reason) {
    ++counters_.refused;
    if (refused_.size() >= kRefusedRemembered) refused_.clear();
    refused_[std::string(object::uid(pod))] = clock_.now().mono + kRefusalStands;
    logger_.warning(
        "the API refuses to let a pod stay when its machine is out of reach",
        {{"namespace", object::ns(pod)}, {"pod", object::name(pod)}, {"error", reason}}
    );
    json::Value event = kubeapi::make_event(
        kubeapi::reference_to(pod, "v1", "Pod"), "Warning", "TolerationsRefused",
        "This pod is evicted when its machine is out of reach: " + reason, "cloudcore",
        clock_.now().wall
    );
    // Events are best effort.
    const auto created =
        co_await client_.create(kubeapi::kEvents, std::string(object::ns(pod)), std::move(event));
    if (!created) logger_.debug("event not written", {{"error", created.error().message()}});
}

}  // namespace farhold::autonomy
