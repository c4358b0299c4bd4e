// SPDX-License-Identifier: Apache-2.0
#include "edgecore/runtime/cri_runtime.hpp"

#include "common/async/timeout.hpp"
#include "common/grpc/client.hpp"
#include "edgecore/runtime/cri_messages.hpp"

#include <proto/cri/v1/containerd.pb.h>

#include <chrono>
#include <string_view>
#include <utility>

namespace farhold::runtime {

namespace {

namespace containerd = farhold::containerd::v1;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto kRuntimeService = "/runtime.v1.RuntimeService/";
constexpr auto kImageService = "/runtime.v1.ImageService/";
constexpr auto kTaskService = "/containerd.services.tasks.v1.Tasks/";
constexpr auto kSubscribe = "/containerd.services.events.v1.Events/Subscribe";

// CRI's corner of containerd.
constexpr auto kNamespace = "k8s.io";
// What begins or ends to run; containers and sandboxes alike.
constexpr auto kTaskEvents = R"(namespace==k8s.io,topic~="^/tasks/(start|exit|oom)$")";
constexpr std::string_view kExitTopic = "/tasks/exit";

// Generous: a deadline that passes is seen by the runtime as a call cut off.
constexpr auto kReadLimit = seconds(30);
constexpr auto kChangeLimit = minutes(4);
constexpr auto kPullLimit = minutes(60);

// After a start containerd answers before it has found its containers again.
constexpr auto kStartingLimit = seconds(20);
constexpr auto kStartingPause = milliseconds(100);

constexpr auto kReconnectPause = milliseconds(500);
constexpr auto kClosePatience = seconds(7);

constexpr std::uint32_t kSigkill = 9;
constexpr int kTaskDeletions = 20;
constexpr auto kTaskDeletionPause = milliseconds(50);
constexpr std::string_view kRunningTask = "cannot delete running task ";

std::string socket_path(std::string_view endpoint) {
    constexpr std::string_view kScheme = "unix://";
    return std::string(endpoint.starts_with(kScheme) ? endpoint.substr(kScheme.size()) : endpoint);
}

bool contains(const Error& error, std::string_view text) {
    return error.message().find(text) != std::string::npos;
}

bool is_starting(const Error& error) {
    return contains(error, "server is not initialized yet");
}

// containerd answers UNKNOWN for much that a caller has to tell apart.
Error translate(const Error& error) {
    if (contains(error, "failed to reserve sandbox name") ||
        contains(error, "failed to reserve container name")) {
        return {ErrorCode::already_exists, error.message()};
    }
    // Another operation on the same container has not ended yet.
    if (is_starting(error) || contains(error, "failed to set removing state") ||
        contains(error, "failed to set starting state")) {
        return {ErrorCode::unavailable, error.message()};
    }
    if (contains(error, "unknown service runtime.v1")) {
        return {
            ErrorCode::unavailable,
            error.message() + " (containerd's CRI plugin did not load; its log tells why)"
        };
    }
    return error;
}

grpc::CallOptions read_call(Duration limit = kReadLimit) {
    return {.deadline = limit, .outlives_caller = false, .metadata = {}};
}

grpc::CallOptions change_call(Duration limit = kChangeLimit) {
    return {.deadline = limit, .outlives_caller = true, .metadata = {}};
}

// The id of the task that stands in the way of a removal.
std::string stuck_task(const Error& error) {
    const auto& text = error.message();
    const auto found = text.find(kRunningTask);
    if (found == std::string::npos) {
        return {};
    }
    const auto begin = found + kRunningTask.size();
    return text.substr(begin, text.find_first_not_of("0123456789abcdef", begin) - begin);
}

RuntimeCondition to_condition(const cri::RuntimeCondition& message) {
    return {message.status(), message.reason(), message.message()};
}

// Whether the event may change what a listing shows; commands run by exec do not.
bool changes_listing(std::string_view bytes) {
    containerd::Envelope envelope;
    if (!envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return true;
    }
    containerd::TaskExit exit;
    return envelope.topic() != kExitTopic || !exit.ParseFromString(envelope.event().value()) ||
           exit.id().empty() || exit.id() == exit.container_id();
}

}  // namespace

class CriRuntime::Impl {
public:
    Impl(Executor executor, CriOptions options, log::Logger log)
        : store_(std::move(options.store_uuid)),
          log_(std::move(log)),
          client_(
              std::move(executor),
              {.connect = grpc::unix_socket(socket_path(options.endpoint)), .limits = {}}
          ) {}

    template <class Response, class Request>
    Task<Result<Response>> ask(
        std::string_view service, std::string_view method, const Request& request,
        grpc::CallOptions options
    ) {
        return decode<Response>(
            std::string(method), exchange(
                                     std::string(service) + std::string(method),
                                     request.SerializeAsString(), std::move(options)
                                 )
        );
    }

    // For answers without anything in them.
    template <class Request>
    Task<Result<void>> tell(
        std::string_view method, const Request& request, grpc::CallOptions options
    ) {
        return discard(ask<cri::Empty>(kRuntimeService, method, request, std::move(options)));
    }

    // For ending something: what is gone already needs no ending.
    template <class Request>
    Task<Result<void>> end(
        std::string_view method, const Request& request, grpc::CallOptions options
    ) {
        return accept_gone(tell(method, request, std::move(options)));
    }

    Task<> watch_events(Event& changed);
    // Removes a task that CRI does not know of, and which blocks the removal of its container.
    Task<> remove_task(std::string id);

    const std::string& store() const { return store_; }
    grpc::Client& client() { return client_; }
    const Connection& connection() const { return connection_; }

private:
    Task<Result<std::string>> exchange(
        std::string path, std::string request, grpc::CallOptions options
    );

    template <class Response>
    static Task<Result<Response>> decode(std::string method, Task<Result<std::string>> exchange) {
        const auto bytes = co_await std::move(exchange);
        if (!bytes) {
            co_return fail(translate(bytes.error()).within(method));
        }
        Response response;
        if (!response.ParseFromString(*bytes)) {
            co_return fail(ErrorCode::corrupt, method + ": the answer cannot be read");
        }
        co_return std::move(response);
    }

    static Task<Result<void>> discard(Task<Result<cri::Empty>> answer) {
        const auto answered = co_await std::move(answer);
        if (!answered) {
            co_return fail(answered.error());
        }
        co_return Result<void>();
    }

    static Task<Result<void>> accept_gone(Task<Result<void>> answer) {
        auto answered = co_await std::move(answer);
        if (!answered && answered.error().code() == ErrorCode::not_found) {
            co_return Result<void>();
        }
        co_return std::move(answered);
    }

    Task<Error> follow(grpc::MessageStream& stream, Event& changed);
    void lost(const Error& why);

    std::string store_;
    log::Logger log_;
    Connection connection_{.connected = false, .reason = "not connected yet"};
    bool told_ = false;  // The log says that the runtime is away.
    grpc::Client client_;
};

Task<Result<std::string>> CriRuntime::Impl::exchange(
    std::string path, std::string request, grpc::CallOptions options
) {
    const auto patient_until = std::chrono::steady_clock::now() + kStartingLimit;
    for (;;) {
        auto answer = co_await client_.call(path, request, options);
        if (answer || !is_starting(answer.error()) ||
            std::chrono::steady_clock::now() > patient_until) {
            co_return std::move(answer);
        }
        co_await sleep_for(kStartingPause);
    }
}

Task<> CriRuntime::Impl::watch_events(Event& changed) {
    containerd::SubscribeRequest request;
    request.add_filters(kTaskEvents);
    const std::string bytes = request.SerializeAsString();
    const grpc::CallOptions endless;
    for (;;) {
        auto stream = client_.open_stream(kSubscribe, bytes, endless);
        if (stream) {
            const Error why = co_await follow(*stream, changed);
            if (why.code() == ErrorCode::cancelled) {
                co_return;
            }
            lost(why);
        } else {
            lost(stream.error());
        }
        co_await sleep_for(kReconnectPause);
    }
}

Task<Error> CriRuntime::Impl::follow(grpc::MessageStream& stream, Event& changed) {
    // containerd says nothing until the first event, so somebody else has to.
    cri::VersionRequest request;
    const auto version =
        co_await ask<cri::VersionResponse>(kRuntimeService, "Version", request, read_call());
    if (!version) {
        co_return version.error();
    }
    connection_ = {.connected = true, .reason = {}};
    log_.info(
        "container runtime connected",
        {{"name", version->runtime_name()}, {"version", version->runtime_version()}}
    );
    told_ = false;
    changed.set();
    for (;;) {
        const auto event = co_await stream.next();
        if (!event) {
            co_return event.error();
        }
        if (!*event) {
            co_return Error(ErrorCode::unavailable, "the event stream ended");
        }
        if (changes_listing(**event)) {
            changed.set();
        }
    }
}

void CriRuntime::Impl::lost(const Error& why) {
    connection_ = {.connected = false, .reason = why.message()};
    if (!std::exchange(told_, true)) {
        log_.warning("container runtime is away", {{"error", why.message()}});
    }
}

Task<> CriRuntime::Impl::remove_task(std::string id) {
    log_.warning("removing a task that a cut-off start left behind", {{"container", id}});
    auto options = change_call();
    options.metadata.push_back({"containerd-namespace", kNamespace});
    containerd::KillRequest kill;
    kill.set_container_id(id);
    kill.set_signal(kSigkill);
    kill.set_all(true);
    containerd::DeleteTaskRequest deletion;
    deletion.set_container_id(id);
    // Whether it could be killed shows when it is deleted, which it cannot be before it has ended.
    (void)co_await ask<cri::Empty>(kTaskService, "Kill", kill, options);
    std::string why;
    for (int i = 0; i < kTaskDeletions; ++i) {
        const auto deleted = co_await ask<cri::Empty>(kTaskService, "Delete", deletion, options);
        if (deleted || deleted.error().code() == ErrorCode::not_found) {
            co_return;
        }
        why = deleted.error().message();
        co_await sleep_for(kTaskDeletionPause);
    }
    log_.warning("the task could not be removed", {{"container", id}, {"error", why}});
}

CriRuntime::CriRuntime(Executor executor, CriOptions options, log::Logger log)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(options), std::move(log))) {}

CriRuntime::~CriRuntime() = default;

Task<> CriRuntime::close() {
    co_await impl_->client().close(kClosePatience);
}

Connection CriRuntime::connection() const {
    return impl_->connection();
}

Task<> CriRuntime::watch_events(Event& changed) {
    co_await impl_->watch_events(changed);
}

Task<Result<RuntimeInfo>> CriRuntime::version() {
    const cri::VersionRequest request;
    const auto answer =
        co_await impl_->ask<cri::VersionResponse>(kRuntimeService, "Version", request, read_call());
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
    const auto answer =
        co_await impl_->ask<cri::StatusResponse>(kRuntimeService, "Status", request, read_call());
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
    (*pods.mutable_filter()->mutable_label_selector())[kStoreLabel] = impl_->store();
    const auto sandboxes = co_await impl_->ask<cri::ListPodSandboxResponse>(
        kRuntimeService, "ListPodSandbox", pods, read_call()
    );
    if (!sandboxes) {
        co_return fail(sandboxes.error());
    }
    cri::ListContainersRequest inside;
    (*inside.mutable_filter()->mutable_label_selector())[kStoreLabel] = impl_->store();
    const auto containers = co_await impl_->ask<cri::ListContainersResponse>(
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
    fill(*request.mutable_config(), config, impl_->store());
    request.set_runtime_handler(config.runtime_handler);
    const auto answer = co_await impl_->ask<cri::RunPodSandboxResponse>(
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
    const auto answer = co_await impl_->ask<cri::PodSandboxStatusResponse>(
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
    co_return co_await impl_->end("StopPodSandbox", request, change_call());
}

Task<Result<void>> CriRuntime::remove_sandbox(const std::string& id) {
    cri::RemovePodSandboxRequest request;
    request.set_pod_sandbox_id(id);
    auto removed = co_await impl_->end("RemovePodSandbox", request, change_call());
    if (removed) {
        co_return std::move(removed);
    }
    const auto task = stuck_task(removed.error());
    if (task.empty()) {
        co_return std::move(removed);
    }
    co_await impl_->remove_task(task);
    co_return co_await impl_->end("RemovePodSandbox", request, change_call());
}

Task<Result<std::string>> CriRuntime::create_container(
    const std::string& sandbox_id, const ContainerConfig& config, const SandboxConfig& sandbox
) {
    cri::CreateContainerRequest request;
    request.set_pod_sandbox_id(sandbox_id);
    fill(*request.mutable_config(), config, sandbox, impl_->store());
    fill(*request.mutable_sandbox_config(), sandbox, impl_->store());
    const auto answer = co_await impl_->ask<cri::CreateContainerResponse>(
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
    co_return co_await impl_->tell("StartContainer", request, change_call());
}

Task<Result<void>> CriRuntime::stop_container(const std::string& id, seconds grace) {
    cri::StopContainerRequest request;
    request.set_container_id(id);
    request.set_timeout(grace.count());
    // Cut off, it has sent its first signal; asking again with another grace is all it takes.
    co_return co_await impl_->end("StopContainer", request, read_call(grace + kChangeLimit));
}

Task<Result<void>> CriRuntime::remove_container(const std::string& id) {
    cri::RemoveContainerRequest request;
    request.set_container_id(id);
    auto removed = co_await impl_->end("RemoveContainer", request, change_call());
    if (removed || stuck_task(removed.error()).empty()) {
        co_return std::move(removed);
    }
    co_await impl_->remove_task(id);
    co_return co_await impl_->end("RemoveContainer", request, change_call());
}

Task<Result<ContainerStatus>> CriRuntime::container_status(const std::string& id) {
    cri::ContainerStatusRequest request;
    request.set_container_id(id);
    const auto answer = co_await impl_->ask<cri::ContainerStatusResponse>(
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
    co_return co_await impl_->tell("ReopenContainerLog", request, read_call());
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
    const auto answer = co_await impl_->ask<cri::ExecSyncResponse>(
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

Task<Result<std::optional<ImageInfo>>> CriRuntime::image_status(const std::string& image) {
    cri::ImageStatusRequest request;
    request.mutable_image()->set_image(image);
    const auto answer = co_await impl_->ask<cri::ImageStatusResponse>(
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
    const auto answer = co_await impl_->ask<cri::PullImageResponse>(
        kImageService, "PullImage", request, read_call(kPullLimit)
    );
    if (!answer) {
        co_return fail(answer.error());
    }
    co_return answer->image_ref();
}

Task<Result<std::vector<ImageInfo>>> CriRuntime::list_images() {
    const cri::ListImagesRequest request;
    const auto answer = co_await impl_->ask<cri::ListImagesResponse>(
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
    const auto answer =
        co_await impl_->ask<cri::Empty>(kImageService, "RemoveImage", request, change_call());
    if (!answer) {
        co_return fail(answer.error());
    }
    co_return Result<void>();
}

Task<Result<std::vector<FilesystemUsage>>> CriRuntime::image_filesystems() {
    const cri::ImageFsInfoRequest request;
    const auto answer = co_await impl_->ask<cri::ImageFsInfoResponse>(
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
