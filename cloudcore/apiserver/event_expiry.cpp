// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/event_expiry.hpp"

#include "common/async/timeout.hpp"
#include "common/log/trouble.hpp"
#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace farhold::apiserver {
namespace {

constexpr Duration kInterval = std::chrono::minutes(5);

}  // namespace

bool is_expired_event(const json::Value& event, WallTime now) {
    std::optional<WallTime> seen;
    for (const std::string_view text :
         {event.text_at({"metadata", "creationTimestamp"}), event.text_at({"lastTimestamp"}),
          event.text_at({"eventTime"}), event.text_at({"series", "lastObservedTime"})}) {
        const Result<WallTime> time = object::parse_time(text);
        if (time) {
            seen = std::max(seen.value_or(*time), *time);
        }
    }
    return seen && now - *seen > kEventLife;
}

Task<Result<void>> delete_expired_events(kubeapi::KubeClient& client, WallTime now) {
    const Result<kubeapi::ListResult> listed = co_await client.list(kubeapi::kEvents, {});
    if (!listed) {
        co_return fail(listed.error());
    }
    for (const kubeapi::ObjectPtr& event : listed->items) {
        if (!is_expired_event(*event, now)) {
            continue;
        }
        const std::string ns(object::ns(*event));
        const std::string name(object::name(*event));
        // Unless it has been seen again meanwhile.
        kubeapi::DeleteOptions options;
        options.resource_version = object::resource_version(*event);
        const Result<void> removed =
            co_await client.remove(kubeapi::kEvents, ns, name, std::move(options));
        if (!removed && removed.error().code() != ErrorCode::not_found &&
            removed.error().code() != ErrorCode::conflict) {
            co_return fail(removed.error());
        }
    }
    co_return Result<void>();
}

Task<> expire_events(kubeapi::KubeClient& client, const Clock& clock, log::Logger logger) {
    log::Trouble trouble(logger, "old events not deleted", "old events deleted");
    while (true) {
        const Result<void> done = co_await delete_expired_events(client, clock.now().wall);
        if (done) {
            trouble.over(clock.now().mono);
        } else {
            trouble.met(done.error().message(), clock.now().mono);
        }
        co_await sleep_for(kInterval);
    }
}

}  // namespace farhold::apiserver
