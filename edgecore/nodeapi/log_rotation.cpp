// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/log_rotation.hpp"

#include "common/async/timeout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

namespace farhold::nodeapi {

namespace {

// As kubelet does.
constexpr Duration kLookEvery = std::chrono::seconds(10);

Result<void> rename_log(const std::string& from, const std::string& to) {
    std::error_code error;
    std::filesystem::rename(from, to, error);
    if (error) {
        return fail(ErrorCode::internal, fmt::format("rename {}: {}", from, error.message()));
    }
    return {};
}

void remove_logs(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
        std::error_code error;  // What is left is found again at the next look.
        std::filesystem::remove(path, error);
    }
}

}  // namespace

RotationPlan plan_rotation(const std::vector<LogFile>& files, RotationLimits limits) {
    RotationPlan plan;
    std::size_t kept = 1;
    std::uint64_t newest = 0;
    for (const LogFile& file : files) {
        newest = std::max(newest, file.number);
        if (file.number == 0 && file.bytes > limits.bytes_max) {
            plan.rotate_to = newest + 1;  // It comes last.
            ++kept;
        }
        kept += file.number == 0 ? 0 : 1;
    }
    for (const LogFile& file : files) {
        if (kept > limits.files_max && file.number != 0) {
            plan.remove.push_back(file.path);
            --kept;
        }
    }
    return plan;
}

LogRotator::LogRotator(
    runtime::ContainerRuntime& runtime, WorkerThread& files, const Clock& clock,
    std::string pod_log_root, RotationLimits limits, log::Logger logger
)
    : runtime_(runtime),
      files_(files),
      clock_(clock),
      pod_log_root_(std::move(pod_log_root)),
      limits_(limits),
      trouble_(logger, "container logs not rotated", "container logs rotated again") {}

Task<> LogRotator::run() {
    for (;;) {
        co_await sleep_for(kLookEvery);
        if (!runtime_.connection().connected) {
            continue;  // Told by whoever keeps the connection.
        }
        const auto looked = co_await look();
        const Instant now = clock_.now().mono;
        if (looked) {
            trouble_.over(now);
        } else {
            trouble_.met(looked.error().message(), now);
        }
    }
}

Task<Result<void>> LogRotator::look() {
    const auto state = co_await runtime_.list();
    if (!state) {
        co_return fail(state.error());
    }
    Result<void> outcome;
    for (const runtime::Container& container : state->containers) {
        if (container.state == runtime::ContainerState::running) {
            if (auto done = co_await look_at(container); !done) {
                outcome = std::move(done);
            }
        }
    }
    co_return outcome;
}

Task<Result<void>> LogRotator::look_at(runtime::Container container) {
    const std::string directory = fmt::format(
        "{}/{}_{}_{}/{}", pod_log_root_, container.pod.ns, container.pod.name, container.pod.uid,
        container.name
    );
    const std::string written = fmt::format("{}/{}.log", directory, container.attempt);
    RotationPlan plan;
    const auto prepare = [&]() -> Result<void> {
        // Of earlier runs only the one before can be asked for, and it is not written any more.
        for (std::uint32_t gone = container.attempt; gone-- > 1;) {
            const auto old = list_log_files(directory, gone - 1);
            if (old.empty()) {
                break;
            }
            for (const LogFile& file : old) {
                remove_logs({file.path});
            }
        }
        plan = plan_rotation(list_log_files(directory, container.attempt), limits_);
        remove_logs(plan.remove);
        return plan.rotate_to ? rename_log(written, fmt::format("{}.{}", written, *plan.rotate_to))
                              : Result<void>();
    };
    auto prepared = co_await files_.run(prepare);
    if (!prepared || !plan.rotate_to) {
        co_return prepared;
    }
    auto reopened = co_await runtime_.reopen_log(container.id);
    if (!reopened) {
        // The runtime goes on writing to the old one, under whichever name.
        const auto undo = [&] {
            std::error_code error;
            return std::filesystem::exists(written, error)
                       ? Result<void>()
                       : rename_log(fmt::format("{}.{}", written, *plan.rotate_to), written);
        };
        [[maybe_unused]] const auto undone = co_await files_.run(undo);
        const auto status = co_await runtime_.container_status(container.id);
        const bool ended = status ? status->container.state != runtime::ContainerState::running
                                  : status.error().code() == ErrorCode::not_found;
        if (ended) {
            co_return Result<void>();
        }
    }
    co_return reopened;
}

}  // namespace farhold::nodeapi
