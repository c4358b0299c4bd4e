// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/teardown.hpp"

#include "common/async/task_group.hpp"
#include "common/datadir/data_dir.hpp"
#include "edgecore/pods/pod_files.hpp"
#include "edgecore/runtime/cri_runtime.hpp"
#include "edgecore/volumes/pod_directory.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace farhold::edge {

namespace {

constexpr std::chrono::seconds kGrace{10};
// What is neither the credentials nor the lock that we hold.
constexpr const char* kState[] = {"state.db", "state.db-wal",     "state.db-shm", "store_uuid",
                                  "local",    "local.kubeconfig", "pods",         "trusted-time"};

Task<> stop_container(
    runtime::ContainerRuntime& runtime, std::string id, std::string name, Result<>& outcome
) {
    auto stopped = co_await runtime.stop_container(id, kGrace);
    if (!stopped) outcome = fail(stopped.error().within("stop " + name));
}

// All at once: the grace is shared.
Task<Result<>> stop_containers(
    runtime::ContainerRuntime& runtime, const std::vector<runtime::Container>& containers
) {
    Result<> outcome;
    TaskGroup group(co_await this_executor);
    for (const runtime::Container& container : containers) {
        if (container.state != runtime::ContainerState::running) continue;
        group.spawn(stop_container(runtime, container.id, container.name, outcome));
    }
    co_await group.join();
    co_return outcome;
}

Task<Result<>> stop_pods(
    runtime::ContainerRuntime& runtime, const pods::MachineSettings& machine,
    const log::Logger& logger
) {
    auto state = co_await runtime.list();
    if (!state) co_return fail(state.error().within("list pods"));
    auto ended = co_await stop_containers(runtime, state->containers);
    if (!ended) co_return ended;
    for (const runtime::Sandbox& sandbox : state->sandboxes) {
        const std::string pod = sandbox.pod.ns + "/" + sandbox.pod.name;
        auto stopped = co_await runtime.stop_sandbox(sandbox.id);
        if (!stopped) co_return fail(stopped.error().within("stop pod " + pod));
        auto removed = co_await runtime.remove_sandbox(sandbox.id);
        if (!removed) co_return fail(removed.error().within("remove pod " + pod));
        const podspec::PodIdentity identity{
            .ns = sandbox.pod.ns, .name = sandbox.pod.name, .uid = sandbox.pod.uid
        };
        auto cleared = pods::remove_pod_files(identity, machine);
        if (!cleared) co_return fail(cleared.error().within("remove files of pod " + pod));
        logger.info("pod stopped", {{"pod", pod}});
    }
    pods::remove_machine_control_groups(machine);
    co_return Result<>{};
}

}  // namespace

Task<Result<>> stop_all_pods(const Settings& settings, log::Logger logger) {
    auto uuid = datadir::read_file(settings.data_dir + "/store_uuid");
    if (!uuid) {
        // edgecore has never run here, so there are no pods of ours.
        if (uuid.error().code() == ErrorCode::not_found) co_return Result<>{};
        co_return fail(uuid.error());
    }
    while (uuid->ends_with('\n')) uuid->pop_back();
    pods::MachineSettings machine;
    machine.pods_root = settings.data_dir + "/pods";
    machine.log_root = settings.pod_log_dir;
    machine.cgroup_parent = pod_cgroup_parent(settings, *uuid);
    runtime::CriOptions options;
    options.endpoint = settings.runtime_endpoint;
    options.store_uuid = std::move(*uuid);
    runtime::CriRuntime runtime(co_await this_executor, std::move(options), logger);
    auto stopped = co_await stop_pods(runtime, machine, logger);
    co_await runtime.close();
    co_return stopped;
}

Result<> delete_state(const Settings& settings) {
    const std::string pods_root = settings.data_dir + "/pods";
    auto uids = volumes::pod_directories(pods_root);
    if (!uids) return fail(uids.error());
    for (const std::string& uid : *uids) {
        if (auto removed = volumes::PodDirectory(pods_root, uid).remove(); !removed) {
            return fail(removed.error());
        }
    }
    for (const char* name : kState) {
        std::error_code error;
        std::filesystem::remove_all(std::filesystem::path(settings.data_dir) / name, error);
        if (error) {
            return fail(
                ErrorCode::internal, settings.data_dir + "/" + name + ": " + error.message()
            );
        }
    }
    return {};
}

}  // namespace farhold::edge
