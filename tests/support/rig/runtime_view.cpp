// SPDX-License-Identifier: Apache-2.0
#include "tests/support/rig/runtime_view.hpp"

#include "common/grpc/client.hpp"
#include "tests/support/run_task.hpp"

#include <proto/cri/v1/runtime.pb.h>

#include <chrono>
#include <stdexcept>
#include <utility>

namespace farhold::test {

namespace {

namespace cri = ::runtime::v1;

template <class Answer, class Request>
Task<Answer> ask(grpc::Client& client, std::string method, const Request& request) {
    grpc::CallOptions options;
    options.deadline = std::chrono::seconds(20);
    const auto bytes = co_await client.call(
        "/runtime.v1.RuntimeService/" + method, request.SerializeAsString(), options
    );
    Answer answer;
    if (!bytes || !answer.ParseFromString(*bytes)) {
        throw std::runtime_error(
            method + ": " + (bytes ? "cannot be read" : bytes.error().message())
        );
    }
    co_return answer;
}

template <class Labelled>
std::string label(const Labelled& object, const char* name) {
    const auto found = object.labels().find(name);
    return found == object.labels().end() ? std::string() : found->second;
}

template <class Labelled>
std::string pod_of(const Labelled& object) {
    return label(object, "io.kubernetes.pod.namespace") + "/" +
           label(object, "io.kubernetes.pod.name");
}

Task<> view(grpc::Client& client, RuntimeView& seen) {
    const cri::ListPodSandboxRequest all_sandboxes;
    const auto sandboxes =
        co_await ask<cri::ListPodSandboxResponse>(client, "ListPodSandbox", all_sandboxes);
    for (const auto& one : sandboxes.items()) {
        const bool ready = one.state() == cri::SANDBOX_READY;
        SandboxView sandbox{one.id(), pod_of(one), label(one, "io.kubernetes.pod.uid"), ready};
        seen.sandboxes.push_back(std::move(sandbox));
    }
    const cri::ListContainersRequest all_containers;
    const auto containers =
        co_await ask<cri::ListContainersResponse>(client, "ListContainers", all_containers);
    for (const auto& one : containers.containers()) {
        const bool running = one.state() == cri::CONTAINER_RUNNING;
        ContainerView container{
            one.id(), pod_of(one), label(one, "io.kubernetes.pod.uid"),
            label(one, "io.kubernetes.container.name"), running
        };
        seen.containers.push_back(std::move(container));
    }
}

}  // namespace

RuntimeView view_runtime(const std::string& socket) {
    RuntimeView seen;
    run_task([&]() -> Task<> {
        grpc::ClientOptions options;
        options.connect = grpc::unix_socket(socket);
        grpc::Client client(co_await this_executor, std::move(options));
        std::exception_ptr failure;
        try {
            co_await view(client, seen);
        } catch (...) {
            failure = std::current_exception();
        }
        co_await client.close(Duration::zero());
        if (failure) std::rethrow_exception(failure);
    });
    return seen;
}

}  // namespace farhold::test
