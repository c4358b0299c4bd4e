// SPDX-License-Identifier: Apache-2.0
//
// Events are told once and forgotten: an hour after it was last seen, one is deleted, as by
// upstream's --event-ttl. Runs on the caller's executor.
#pragma once

#include "common/async/task.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/log/log.hpp"

#include <chrono>

namespace farhold::apiserver {

inline constexpr Duration kEventLife = std::chrono::hours(1);

// Whether nobody has seen the event for that long.
bool is_expired_event(const json::Value& event, WallTime now);

// Deletes what has expired, once.
Task<Result<void>> delete_expired_events(kubeapi::KubeClient& client, WallTime now);

// Does so every few minutes. Ends only by cancellation.
Task<> expire_events(kubeapi::KubeClient& client, const Clock& clock, log::Logger logger);

}  // namespace farhold::apiserver
