// SPDX-License-Identifier: Apache-2.0
#include "common/kubeapi/informer.hpp"

#include "common/async/timeout.hpp"
#include "common/base/backoff.hpp"
#include "common/base/time.hpp"
#include "common/log/trouble.hpp"

#include <chrono>
#include <utility>

namespace farhold::kubeapi {

namespace {

constexpr Duration kRetryBase = std::chrono::milliseconds(500);
// Until a kind that is not served is asked for again.
constexpr Duration kNotServedWait = std::chrono::seconds(10);
constexpr Duration kRetryCap = std::chrono::seconds(30);

}  // namespace

Informer::Informer(
    KubeClient& client, ResourceRef resource, ListOptions options, ObjectHandler& handler,
    log::Logger logger
)
    : client_(client),
      resource_(std::move(resource)),
      options_(std::move(options)),
      handler_(handler),
      logger_(logger.with({{"resource", resource_.plural}})),
      random_(Random::from_system()) {}

Task<Result<>> Informer::list() {
    ListOptions options = options_;
    options.on_read = [this](ObjectPtr object) { return handler_.read(std::move(object)); };
    auto listed = co_await client_.list_and_watch(resource_, std::move(options));
    if (!listed) co_return fail(listed.error());
    const auto checked = co_await handler_.check_list();
    if (!checked) co_return fail(checked.error());
    resource_version_ = std::move(listed->list.resource_version);
    watch_ = std::move(listed->watch);
    handler_.replaced(listed->list.items);
    co_return Result<>{};
}

void Informer::deliver(const WatchEvent& event) {
    const std::string_view version =
        event.object->text_at({"metadata", "resourceVersion"}, resource_version_);
    resource_version_ = std::string(version);
    switch (event.type) {
        case WatchEvent::Type::added:
        case WatchEvent::Type::modified:
            handler_.changed(event.object);
            break;
        case WatchEvent::Type::deleted:
            handler_.removed(event.object);
            break;
        case WatchEvent::Type::bookmark:
            break;
    }
}

Task<Error> Informer::follow() {
    auto stream = std::move(watch_);
    if (stream == nullptr) {
        auto started = co_await client_.watch(resource_, options_, resource_version_);
        if (!started) co_return started.error();
        stream = std::move(*started);
    }
    while (true) {
        auto event = co_await stream->next();
        if (!event) co_return event.error();
        deliver(*event);
    }
}

Task<> Informer::run() {
    Backoff backoff(kRetryBase, kRetryCap);
    log::Trouble trouble(logger_, "list failed, trying again", "list succeeded again");
    const SystemClock clock;
    while (true) {
        Error error(ErrorCode::unavailable, "");
        if (resource_version_.empty()) {
            auto listed = co_await list();
            if (listed) {
                trouble.over(clock.now().mono);
                backoff.reset();
                continue;
            }
            error = listed.error();
            if (error.code() == ErrorCode::not_found && handler_.not_served()) {
                co_await sleep_for(kNotServedWait);
                continue;
            }
        } else {
            const std::string before = resource_version_;
            error = co_await follow();
            if (error.code() == ErrorCode::resource_exhausted) {
                resource_version_.clear();
                continue;
            }
            // A watch that brought something ended as watches do: go on at once.
            if (before != resource_version_) backoff.reset();
        }
        if (error.code() == ErrorCode::cancelled) co_return;
        if (resource_version_.empty()) trouble.met(error.message(), clock.now().mono);
        co_await sleep_for(backoff.next(random_));
    }
}

}  // namespace farhold::kubeapi
