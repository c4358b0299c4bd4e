// SPDX-License-Identifier: Apache-2.0
//
// Keeps the logs of running containers small: one that has grown is renamed, the runtime opens a new
// one, and the oldest are deleted, as are those of runs that nobody can ask for any more. Whoever
// follows a log loses no line (LogCursor). Runs on the loop; files are touched on the thread for file
// work.
#pragma once

#include "common/async/task.hpp"
#include "common/async/worker_thread.hpp"
#include "common/base/time.hpp"
#include "common/log/log.hpp"
#include "common/log/trouble.hpp"
#include "edgecore/nodeapi/log_files.hpp"
#include "edgecore/runtime/container_runtime.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace farhold::nodeapi {

// kubelet's defaults of containerLogMaxSize and containerLogMaxFiles.
struct RotationLimits {
    std::uint64_t bytes_max = std::uint64_t{10} << 20U;
    std::size_t files_max = 5;  // With the one that is written.
};

// Pure.
struct RotationPlan {
    std::optional<std::uint64_t> rotate_to;  // The number that the written file gets.
    std::vector<std::string> remove;         // Paths.
};
RotationPlan plan_rotation(const std::vector<LogFile>& files, RotationLimits limits);

class LogRotator {
public:
    LogRotator(
        runtime::ContainerRuntime& runtime, WorkerThread& files, const Clock& clock,
        std::string pod_log_root, RotationLimits limits, log::Logger logger
    );

    // Looks every few seconds; until cancelled.
    Task<> run();
    // Once at all containers.
    Task<Result<void>> look();

private:
    Task<Result<void>> look_at(runtime::Container container);

    runtime::ContainerRuntime& runtime_;
    WorkerThread& files_;
    const Clock& clock_;
    std::string pod_log_root_;
    RotationLimits limits_;
    log::Trouble trouble_;
};

}  // namespace farhold::nodeapi
