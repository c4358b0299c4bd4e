// SPDX-License-Identifier: Apache-2.0
//
// A container runtime that answers anything: each call, made through a real connection, ends with a
// value or an error, and the connection serves the next one.
#include "common/async/event.hpp"
#include "common/base/ensure.hpp"
#include "common/grpc/server.hpp"
#include "edgecore/runtime/cri_runtime.hpp"
#include "tests/support/fuzz_input.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

using namespace farhold;
using namespace farhold::runtime;

namespace {

constexpr const char* kMethods[] = {
    "RuntimeService/Version",        "RuntimeService/Status",
    "RuntimeService/ListPodSandbox", "RuntimeService/ListContainers",
    "RuntimeService/RunPodSandbox",  "RuntimeService/PodSandboxStatus",
    "RuntimeService/StopPodSandbox", "RuntimeService/ContainerStatus",
    "RuntimeService/ExecSync",       "RuntimeService/ListContainerStats",
    "RuntimeService/Exec",           "RuntimeService/Attach",
    "RuntimeService/PortForward",    "ImageService/ImageStatus",
    "ImageService/ListImages",       "ImageService/PullImage",
    "ImageService/ImageFsInfo",
};

Task<Result<std::string>> give(std::string bytes) {
    co_return std::move(bytes);
}

template <class T>
void check(const Result<T>& answer) {
    ensure(answer || !answer.error().message().empty(), "an error says what");
}

Task<> ask_everything(CriRuntime& runtime) {
    const SandboxConfig sandbox;
    check(co_await runtime.version());
    check(co_await runtime.status());
    const auto state = co_await runtime.list();
    check(state);
    check(co_await runtime.run_sandbox(sandbox));
    check(co_await runtime.sandbox_status("s"));
    check(co_await runtime.stop_sandbox("s"));
    check(co_await runtime.container_status("c"));
    const std::vector<std::string> command{"true"};
    check(co_await runtime.exec_sync("c", command, std::chrono::seconds(1)));
    check(co_await runtime.usage());
    const ExecStreams streams{.output = true};
    check(co_await runtime.exec_url("c", command, streams));
    check(co_await runtime.attach_url("c", streams));
    check(co_await runtime.port_forward_url("s"));
    check(co_await runtime.image_status("i"));
    check(co_await runtime.list_images());
    const RegistryAuth anonymous;
    check(co_await runtime.pull_image("i", anonymous));
    check(co_await runtime.image_filesystems());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    const std::string bytes(in.rest());
    static const test::TempDir folder;
    const std::string path = folder.file("cri.sock");
    test::run_task([&]() -> Task<> {
        grpc::Server server(co_await this_executor, {});
        for (const char* method : kMethods) {
            grpc::Server::Handler handler = [&bytes](const std::string&) { return give(bytes); };
            server.add("/runtime.v1." + std::string(method), std::move(handler));
        }
        ensure(server.listen(path).has_value(), "a server");
        CriOptions options{.endpoint = "unix://" + path, .store_uuid = "store-1"};
        CriRuntime runtime(co_await this_executor, std::move(options), log::Logger());
        co_await ask_everything(runtime);
        co_await runtime.close();
        co_await server.stop();
    });
    return 0;
}
