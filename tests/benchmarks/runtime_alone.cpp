// SPDX-License-Identifier: Apache-2.0
#include "runtime_alone.hpp"

#include "api_session.hpp"
#include "common/async/task_group.hpp"
#include "common/base/random.hpp"
#include "common/log/log.hpp"
#include "progress.hpp"
#include "tests/support/containerd/containerd_fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace farhold::bench {

RuntimeAlone::RuntimeAlone(const std::string& socket, std::string cgroup_parent, std::string folder)
    : cgroup_parent_(std::move(cgroup_parent)),
      folder_(std::move(folder)),
      runtime_(
          loop_.get_executor(), {.endpoint = socket, .store_uuid = Random::from_system().uuid()},
          log::Logger()
      ) {}

RuntimeAlone::~RuntimeAlone() {
    run_on(loop_, runtime_.close());
}

double RuntimeAlone::start_pods(int count, int at_once) {
    const Stopwatch watch;
    run_on(loop_, start_all(count, at_once));
    if (!failure_.empty()) throw std::runtime_error("the container runtime alone: " + failure_);
    return watch.milliseconds();
}

void RuntimeAlone::remove_pods() {
    run_on(loop_, remove_all());
}

Task<> RuntimeAlone::start_all(int count, int at_once) {
    TaskGroup group(co_await this_executor);
    int waiting = count;
    for (int lane = 0; lane < std::min(count, at_once); ++lane) group.spawn(start_some(waiting));
    co_await group.join();
}

Task<> RuntimeAlone::start_some(int& waiting) {
    while (waiting > 0) {
        --waiting;
        const auto started = co_await start_one(fmt::format("alone-{}", ++made_));
        if (!started) failure_ = started.error().message();
    }
}

Task<Result<>> RuntimeAlone::start_one(std::string name) {
    runtime::SandboxConfig sandbox;
    sandbox.pod = {.ns = "default", .name = name, .uid = name};
    sandbox.hostname = name;
    sandbox.log_directory = folder_ + "/" + name;
    sandbox.cgroup_parent = cgroup_parent_;
    const auto sandbox_id = co_await runtime_.run_sandbox(sandbox);
    if (!sandbox_id) co_return fail(sandbox_id.error());
    runtime::ContainerConfig container;
    container.name = "main";
    container.image = test::ContainerdFixture::kBusybox;
    container.image_name = container.image;
    container.command = {"/bin/sh", "-c", "exec sleep 1000000"};
    container.log_path = "main/0.log";
    const auto id = co_await runtime_.create_container(*sandbox_id, container, sandbox);
    if (!id) co_return fail(id.error());
    co_return co_await runtime_.start_container(*id);
}

Task<> RuntimeAlone::remove_all() {
    const auto listed = co_await runtime_.list();
    if (!listed) throw std::runtime_error(listed.error().message());
    for (const runtime::Sandbox& sandbox : listed->sandboxes) {
        co_await runtime_.stop_sandbox(sandbox.id);
        co_await runtime_.remove_sandbox(sandbox.id);
    }
}

}  // namespace farhold::bench
