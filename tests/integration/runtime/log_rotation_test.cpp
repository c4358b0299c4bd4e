// SPDX-License-Identifier: Apache-2.0
//
// A log that the real runtime writes is rotated again and again while somebody follows it.
#include "edgecore/nodeapi/log_rotation.hpp"

#include "edgecore/nodeapi/log_lines.hpp"
#include "edgecore/runtime/cri_runtime.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/containerd/containerd_fixture.hpp"
#include "tests/support/run_task.hpp"

#include <string>

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::nodeapi;  // NOLINT(google-build-using-namespace)

namespace {

constexpr int kLines = 2000;

template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message());
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

Task<> follow_through_rotations(test::ContainerdFixture& containerd) {
    const std::string root = containerd.folder() + "/logs";
    runtime::CriOptions options{
        .endpoint = "unix://" + containerd.socket(), .store_uuid = "rotation"
    };
    runtime::CriRuntime runtime(co_await this_executor, std::move(options), log::Logger());
    runtime::SandboxConfig sandbox;
    sandbox.pod = {.ns = "default", .name = "talker", .uid = "u"};
    sandbox.hostname = "talker";
    sandbox.log_directory = root + "/default_talker_u";
    sandbox.cgroup_parent = containerd.cgroup_parent() + "/talker";
    runtime::ContainerConfig container;
    container.name = "c";
    container.image = test::ContainerdFixture::kBusybox;
    container.command = {"/bin/sh", "-c"};
    container.args = {"i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); usleep 500; done"};
    container.log_path = "c/0.log";
    const std::string pod = must(co_await runtime.run_sandbox(sandbox));
    const std::string id = must(co_await runtime.create_container(pod, container, sandbox));
    must(co_await runtime.start_container(id));

    WorkerThread files("files");
    const SystemClock clock;
    const RotationLimits limits{.bytes_max = 4096, .files_max = 1000};
    LogRotator rotator(runtime, files, clock, root, limits, log::Logger());
    auto cursor = must(LogCursor::open(sandbox.log_directory + "/c", 0, std::nullopt));
    LogFormatter formatter{LogOptions{}};
    std::string text;
    const std::string last = std::to_string(kLines - 1) + "\n";
    while (!text.ends_with(last)) {
        must(co_await rotator.look());
        const auto read = [&] { return cursor->read(1 << 20, clock.now().mono); };
        formatter.feed(must(co_await files.run(read)), text);
    }
    std::string expected;
    for (int line = 0; line < kLines; ++line) {
        expected += std::to_string(line) + "\n";
    }
    CHECK(text == expected);
    CHECK(list_log_files(sandbox.log_directory + "/c", 0).size() > 3);
    co_await runtime.close();
}

}  // namespace

TEST_CASE("log_rotation: a follower loses no line of a real container's log", "[runtime]") {
    test::ContainerdFixture containerd;
    test::run_task([&] { return follow_through_rotations(containerd); });
}
