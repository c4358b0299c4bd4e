// SPDX-License-Identifier: Apache-2.0
//
// What the workers of all pods share; made by the program, outlives them. All of it is used on the
// loop, but for the work handed to `files`.
#pragma once

#include "common/async/worker_thread.hpp"
#include "common/base/time.hpp"
#include "common/log/log.hpp"
#include "common/tunnel/messages.hpp"
#include "edgecore/pods/container_config.hpp"
#include "edgecore/podspec/environment.hpp"
#include "edgecore/runtime/container_runtime.hpp"
#include "edgecore/store/state_keeper.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace farhold::pods {

// Where reports go that need no commit; the link takes them. Durable ones go through the store.
struct ReportSink {
    // The newest text of a key replaces the one before.
    std::function<void(std::string key, std::string uid, std::string body)> derived;
    // The key is no longer reported.
    std::function<void(const std::string& key)> forget;
    // Best effort.
    std::function<void(std::string key, std::string uid, std::string body)> event;
};

// Where ServiceAccount tokens come from.
struct TokenSupply {
    // The hub is asked as soon as it can be; the answer is told to the manager, however late.
    std::function<void(tunnel::TokenWish wish)> want;
    // Proved by a hub, or a time that it cannot be before.
    std::function<WallTime()> trusted_time;
};

// What all pods did, since the start.
struct PodCounters {
    std::uint64_t sandboxes_started = 0;
    std::uint64_t containers_started = 0;
    std::uint64_t containers_restarted = 0;  // Created again after an end.
    std::uint64_t images_pulled = 0;
    std::uint64_t operations_failed = 0;
    std::uint64_t tokens_received = 0;
    std::uint64_t tokens_refused = 0;
};

struct PodServices {
    Executor executor;
    runtime::ContainerRuntime& runtime;
    store::StateKeeper& store;
    WorkerThread& files;
    const Clock& clock;
    ReportSink reports;
    TokenSupply tokens;
    MachineSettings machine;
    // Addresses and what is allocatable, as they are now; pod_ips stays empty.
    std::function<podspec::MachineFacts()> facts;
    log::Logger log;
    PodCounters counters = {};
};

}  // namespace farhold::pods
