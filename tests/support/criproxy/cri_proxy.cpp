// SPDX-License-Identifier: Apache-2.0
#include "tests/support/criproxy/cri_proxy.hpp"

#include "common/async/event.hpp"
#include "common/grpc/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <poll.h>

#include <chrono>
#include <stdexcept>
#include <utility>

namespace farhold::test {

namespace {

constexpr auto kRuntime = "/runtime.v1.RuntimeService/";
constexpr auto kImages = "/runtime.v1.ImageService/";
constexpr auto kTasks = "/containerd.services.tasks.v1.Tasks/";
constexpr auto kEvents = "/containerd.services.events.v1.Events/";

struct Method {
    const char* service;
    const char* name;
};

constexpr Method kMethods[] = {
    {kRuntime, "Version"},
    {kRuntime, "Status"},
    {kRuntime, "ListPodSandbox"},
    {kRuntime, "PodSandboxStatus"},
    {kRuntime, "RunPodSandbox"},
    {kRuntime, "StopPodSandbox"},
    {kRuntime, "RemovePodSandbox"},
    {kRuntime, "ListContainers"},
    {kRuntime, "ContainerStatus"},
    {kRuntime, "CreateContainer"},
    {kRuntime, "StartContainer"},
    {kRuntime, "StopContainer"},
    {kRuntime, "RemoveContainer"},
    {kRuntime, "ReopenContainerLog"},
    {kRuntime, "ExecSync"},
    {kImages, "ImageStatus"},
    {kImages, "PullImage"},
    {kImages, "ListImages"},
    {kImages, "RemoveImage"},
    {kImages, "ImageFsInfo"},
    {kTasks, "Kill"},
    {kTasks, "Delete"},
    {kEvents, "Subscribe"},
};

// Until the client goes away.
Task<> wait_for_ever() {
    Event never(co_await this_executor);
    co_await never.wait();
}

}  // namespace

CriProxy::CriProxy(std::string runtime, std::string socket)
    : runtime_(std::move(runtime)), socket_(std::move(socket)), thread_([this] { run(); }) {
    while (!serving_ && !ended_) ::poll(nullptr, 0, 5);
    if (!serving_) {
        thread_.join();
        throw std::runtime_error("the CRI proxy cannot serve on " + socket_);
    }
}

CriProxy::~CriProxy() {
    ended_ = true;
    thread_.join();
}

void CriProxy::inject(const std::string& method, CallFault fault, int times) {
    const std::lock_guard lock(mutex_);
    plans_[method] = {.fault = fault, .left = times, .happened = 0};
}

int CriProxy::happened(const std::string& method) const {
    const std::lock_guard lock(mutex_);
    const auto found = plans_.find(method);
    return found == plans_.end() ? 0 : found->second.happened;
}

CallFault CriProxy::take(const std::string& method) {
    const std::lock_guard lock(mutex_);
    const auto found = plans_.find(method);
    if (found == plans_.end() || found->second.left == 0) return CallFault::none;
    --found->second.left;
    return found->second.fault;
}

void CriProxy::count(const std::string& method) {
    const std::lock_guard lock(mutex_);
    ++plans_[method].happened;
}

void CriProxy::run() {
    boost::asio::io_context loop(1);
    boost::asio::co_spawn(loop, serve(), boost::asio::detached);
    loop.run();
}

Task<> CriProxy::serve() {
    const Executor executor = co_await this_executor;
    grpc::ClientOptions options;
    options.connect = grpc::unix_socket(runtime_);
    grpc::Client runtime(executor, std::move(options));
    const grpc::ServerOptions limits;
    grpc::Server server(executor, limits);
    for (const auto& [service, name] : kMethods) {
        const std::string of(service);
        const std::string method(name);
        server.add(of + method, [this, &runtime, of, method](std::string request) {
            return forward(runtime, of, method, std::move(request));
        });
    }
    if (server.listen(socket_)) {
        serving_ = true;
        Event pause(executor);
        while (!ended_) co_await pause.wait_for(std::chrono::milliseconds(20));
    }
    ended_ = true;
    co_await server.stop();
    co_await runtime.close(Duration::zero());
}

Task<Result<std::string>> CriProxy::forward(
    grpc::Client& runtime, std::string service, std::string method, std::string request
) {
    if (service == kEvents) co_await wait_for_ever();
    const CallFault fault = take(method);
    if (fault == CallFault::refuse) {
        count(method);
        co_return fail(ErrorCode::internal, "refused by the test");
    }
    grpc::CallOptions options;
    options.deadline = std::chrono::minutes(5);
    options.outlives_caller = true;
    if (service == kTasks) options.metadata.push_back({"containerd-namespace", "k8s.io"});
    auto answer = co_await runtime.call(service + method, std::move(request), std::move(options));
    if (!answer || fault == CallFault::none) co_return std::move(answer);
    count(method);
    if (fault == CallFault::lose_answer) co_await wait_for_ever();
    co_return fail(ErrorCode::internal, "the test has dropped the answer");
}

}  // namespace farhold::test
