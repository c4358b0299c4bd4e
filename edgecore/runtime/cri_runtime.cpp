// SPDX-License-Identifier: Apache-2.0
#include "edgecore/runtime/cri_runtime.hpp"

#include "edgecore/runtime/containerd_events.hpp"
#include "edgecore/runtime/containerd_tasks.hpp"
#include "edgecore/runtime/cri_channel.hpp"
#include "edgecore/runtime/cri_messages.hpp"

#include <chrono>
#include <utility>

namespace farhold::runtime {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto kPullLimit = minutes(60);
constexpr auto kClosePatience = seconds(7);

RuntimeCondition to_condition(const cri::RuntimeCondition& message) {
    return {message.status(), message.reason(), message.message()};
}

}  // namespace

class CriRuntime::Impl {
public:
    Impl(Executor executor, CriOptions options, log::Logger logger)
        : store(std::move(options.store_uuid)),
          log(std::move(logger)),
          channel(std::move(executor), options.endpoint),
          events(channel, log) {}

    std::string store;
    log::Logger log;
    CriChannel channel;
    ContainerdEvents events;
};

CriRuntime::CriRuntime(Executor executor, CriOptions options, log::Logger log)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(options), std::move(log))) {}

CriRuntime::~CriRuntime() = default;

Task<> CriRuntime::close() {
    co_await impl_->channel.client().close(kClosePatience);
}

const CallStatsByMethod& CriRuntime::call_stats() const {
    return impl_->channel.call_stats();
}

std::uint64_t CriRuntime::losses() const {
    return impl_->events.losses();
}

Connection CriRuntime::connection() const {
    return impl_->events.connection();
}

Task<> CriRuntime::watch_events(Event& changed) {
    co_await impl_->events.run(changed);
}

Task<Result<RuntimeInfo>> CriRuntime::version() {
    const cri::VersionRequest request;
    const auto answer = co_await impl_->channel.ask<cri::VersionResponse>(
        kRuntimeService, "Version", request, read_call()
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    RuntimeInfo info;
    info.name = answer->runtime_name();
    info.version = answer->runtime_version();
    info.api_version = answer->runtime_api_version();
    co_return std::move(info);
}

Task<Result<RuntimeStatus>> CriRuntime::status() {
    const cri::StatusRequest request;
    const auto answer = co_await impl_->channel.ask<cri::StatusResponse>(
        kRuntimeService, "Status", request, read_call()
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    RuntimeStatus status;
    for (const auto& condition : answer->status().conditions()) {
        if (condition.type() == "RuntimeReady") {
            status.runtime = to_condition(condition);
        } else if (condition.type() == "NetworkReady") {
            status.network = to_condition(condition);
        }
    }
    co_return std::move(status);
}

Task<Result<RuntimeState>> CriRuntime::list() {
    cri::ListPodSandboxRequest pods;
    (*pods.mutable_filter()->mutable_label_selector())[kStoreLabel] = impl_->store;
    const auto sandboxes = co_await impl_->channel.ask<cri::ListPodSandboxResponse>(
        kRuntimeService, "ListPodSandbox", pods, read_call()
    );
    if (!sandboxes) {
        co_return fail(sandboxes.error());
    }
    cri::ListContainersRequest inside;
    (*inside.mutable_filter()->mutable_label_selector())[kStoreLabel] = impl_->store;
    const auto containers = co_await impl_->channel.ask<cri::ListContainersResponse>(
        kRuntimeService, "ListContainers", inside, read_call()
    );
    if (!containers) {
        co_return fail(containers.error());
    }
    RuntimeState state;
    for (const auto& message : sandboxes->items()) {
        state.sandboxes.push_back(from_message(message));
    }
    for (const auto& message : containers->containers()) {
        state.containers.push_back(from_message(message));
    }
    co_return std::move(state);
}

Task<Result<std::string>> CriRuntime::run_sandbox(const SandboxConfig& config) {
    cri::RunPodSandboxRequest request;
    fill(*request.mutable_config(), config, impl_->store);
    request.set_runtime_handler(config.runtime_handler);
    const auto answer = co_await impl_->channel.ask<cri::RunPodSandboxResponse>(
        kRuntimeService, "RunPodSandbox", request, change_call()
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    co_return answer->pod_sandbox_id();
}

Task<Result<SandboxStatus>> CriRuntime::sandbox_status(const std::string& id) {
    cri::PodSandboxStatusRequest request;
    request.set_pod_sandbox_id(id);
    const auto answer = co_await impl_->channel.ask<cri::PodSandboxStatusResponse>(
        kRuntimeService, "PodSandboxStatus", request, read_call()
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    co_return from_message(answer->status());
}

Task<Result<void>> CriRuntime::stop_sandbox(const std::string& id) {
    cri::StopPodSandboxRequest request;
    request.set_pod_sandbox_id(id);
    co_return co_await impl_->channel.end("StopPodSandbox", request, change_call());
}

Task<Result<void>> CriRuntime::remove_sandbox(const std::string& id) {
    cri::RemovePodSandboxRequest request;
    request.set_pod_sandbox_id(id);
    auto removed = co_await impl_->channel.end("RemovePodSandbox", request, change_call());
    if (removed) {
        co_return std::move(removed);
    }
    const auto task = stuck_task(removed.error());
    if (task.empty()) {
        co_return std::move(removed);
    }
    co_await remove_task(impl_->channel, task, impl_->log);
    co_return co_await impl_->channel.end("RemovePodSandbox", request, change_call());
}

Task<Result<std::string>> CriRuntime::create_container(
    const std::string& sandbox_id, const ContainerConfig& config, const SandboxConfig& sandbox
) {
    cri::CreateContainerRequest request;
    request.set_pod_sandbox_id(sandbox_id);
    fill(*request.mutable_config(), config, sandbox, impl_->store);
    fill(*request.mutable_sandbox_config(), sandbox, impl_->store);
    const auto answer = co_await impl_->channel.ask<cri::CreateContainerResponse>(
        kRuntimeService, "CreateContainer", request, change_call()
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    co_return answer->container_id();
}

Task<Result<void>> CriRuntime::start_container(const std::string& id) {
    cri::StartContainerRequest request;
    request.set_container_id(id);
    co_return co_await impl_->channel.tell(
        kRuntimeService, "StartContainer", request, change_call()
    );
}

Task<Result<void>> CriRuntime::stop_container(const std::string& id, seconds grace) {
    cri::StopContainerRequest request;
    request.set_container_id(id);
    request.set_timeout(grace.count());
    // Cut off, it has sent its first signal; asking again with another grace is all it takes.
    co_return co_await impl_->channel.end(
        "StopContainer", request, read_call(grace + kChangeLimit)
    );
}

Task<Result<void>> CriRuntime::remove_container(const std::string& id) {
    cri::RemoveContainerRequest request;
    request.set_container_id(id);
    auto removed = co_await impl_->channel.end("RemoveContainer", request, change_call());
    if (removed || stuck_task(removed.error()).empty()) {
        co_return std::move(removed);
    }
    co_await remove_task(impl_->channel, id, impl_->log);
    co_return co_await impl_->channel.end("RemoveContainer", request, change_call());
}

Task<Result<ContainerStatus>> CriRuntime::container_status(const std::string& id) {
    cri::ContainerStatusRequest request;
    request.set_container_id(id);
    const auto answer = co_await impl_->channel.ask<cri::ContainerStatusResponse>(
        kRuntimeService, "ContainerStatus", request, read_call()
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    co_return from_message(answer->status());
}

Task<Result<void>> CriRuntime::reopen_log(const std::string& id) {
    cri::ReopenContainerLogRequest request;
    request.set_container_id(id);
    co_return co_await impl_->channel.tell(
        kRuntimeService, "ReopenContainerLog", request, read_call()
    );
}

Task<Result<ExecResult>> CriRuntime::exec_sync(
    const std::string& id, const std::vector<std::string>& command, seconds limit
) {
    cri::ExecSyncRequest request;
    request.set_container_id(id);
    for (const auto& word : command) {
        request.add_cmd(word);
    }
    request.set_timeout(limit.count());
    const auto answer = co_await impl_->channel.ask<cri::ExecSyncResponse>(
        kRuntimeService, "ExecSync", request, read_call(limit + kReadLimit)
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    ExecResult result;
    result.exit_code = answer->exit_code();
    result.output = answer->stdout();
    result.error_output = answer->stderr();
    co_return std::move(result);
}

Task<Result<std::vector<ContainerUsage>>> CriRuntime::usage() {
    cri::ListContainerStatsRequest request;
    (*request.mutable_filter()->mutable_label_selector())[kStoreLabel] = impl_->store;
    const auto answer = co_await impl_->channel.ask<cri::ListContainerStatsResponse>(
        kRuntimeService, "ListContainerStats", request, read_call()
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    std::vector<ContainerUsage> usages;
    for (const auto& message : answer->stats()) {
        usages.push_back(from_message(message));
    }
    co_return std::move(usages);
}

Task<Result<std::string>> CriRuntime::exec_url(
    const std::string& id, const std::vector<std::string>& command, ExecStreams streams
) {
    cri::ExecRequest request;
    request.set_container_id(id);
    for (const auto& word : command) {
        request.add_cmd(word);
    }
    request.set_tty(streams.tty);
    request.set_stdin(streams.input);
    request.set_stdout(streams.output);
    request.set_stderr(streams.error);
    const auto answer = co_await impl_->channel.ask<cri::ExecResponse>(
        kRuntimeService, "Exec", request, read_call()
    );
    co_return answer ? Result<std::string>(answer->url()) : fail(answer.error());
}

Task<Result<std::string>> CriRuntime::attach_url(const std::string& id, ExecStreams streams) {
    cri::AttachRequest request;
    request.set_container_id(id);
    request.set_tty(streams.tty);
    request.set_stdin(streams.input);
    request.set_stdout(streams.output);
    request.set_stderr(streams.error);
    const auto answer = co_await impl_->channel.ask<cri::AttachResponse>(
        kRuntimeService, "Attach", request, read_call()
    );
    co_return answer ? Result<std::string>(answer->url()) : fail(answer.error());
}

Task<Result<std::string>> CriRuntime::port_forward_url(const std::string& sandbox_id) {
    cri::PortForwardRequest request;
    request.set_pod_sandbox_id(sandbox_id);
    const auto answer = co_await impl_->channel.ask<cri::PortForwardResponse>(
        kRuntimeService, "PortForward", request, read_call()
    );
    co_return answer ? Result<std::string>(answer->url()) : fail(answer.error());
}

Task<Result<std::optional<ImageInfo>>> CriRuntime::image_status(const std::string& image) {
    cri::ImageStatusRequest request;
    request.mutable_image()->set_image(image);
    const auto answer = co_await impl_->channel.ask<cri::ImageStatusResponse>(
        kImageService, "ImageStatus", request, read_call()
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    std::optional<ImageInfo> found;
    if (answer->has_image()) {
        found = from_message(answer->image());
    }
    co_return std::move(found);
}

Task<Result<std::string>> CriRuntime::pull_image(
    const std::string& image, const RegistryAuth& auth
) {
    cri::PullImageRequest request;
    request.mutable_image()->set_image(image);
    if (!auth.username.empty()) {
        request.mutable_auth()->set_username(auth.username);
        request.mutable_auth()->set_password(auth.password);
        request.mutable_auth()->set_server_address(auth.server_address);
    }
    const auto answer = co_await impl_->channel.ask<cri::PullImageResponse>(
        kImageService, "PullImage", request, read_call(kPullLimit)
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    co_return answer->image_ref();
}

Task<Result<std::vector<ImageInfo>>> CriRuntime::list_images() {
    const cri::ListImagesRequest request;
    const auto answer = co_await impl_->channel.ask<cri::ListImagesResponse>(
        kImageService, "ListImages", request, read_call()
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    std::vector<ImageInfo> images;
    for (const auto& message : answer->images()) {
        images.push_back(from_message(message));
    }
    co_return std::move(images);
}

Task<Result<void>> CriRuntime::remove_image(const std::string& image) {
    cri::RemoveImageRequest request;
    request.mutable_image()->set_image(image);
    co_return co_await impl_->channel.tell(kImageService, "RemoveImage", request, change_call());
}

Task<Result<std::vector<FilesystemUsage>>> CriRuntime::image_filesystems() {
    const cri::ImageFsInfoRequest request;
    const auto answer = co_await impl_->channel.ask<cri::ImageFsInfoResponse>(
        kImageService, "ImageFsInfo", request, read_call()
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    std::vector<FilesystemUsage> usages;
    for (const auto& message : answer->image_filesystems()) {
        FilesystemUsage usage;
        usage.mountpoint = message.fs_id().mountpoint();
        usage.used_bytes = message.used_bytes().value();
        usage.used_inodes = message.inodes_used().value();
        usages.push_back(std::move(usage));
    }
    co_return std::move(usages);
}

}  // namespace farhold::runtime
