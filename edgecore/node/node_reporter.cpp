// SPDX-License-Identifier: Apache-2.0
#include "edgecore/node/node_reporter.hpp"

#include "common/async/timeout.hpp"

#include <chrono>
#include <utility>
#include <vector>

namespace farhold::node {

namespace {

// kubelet's nodeStatusUpdateFrequency and nodeStatusReportFrequency.
constexpr Duration kLookEvery = std::chrono::seconds(10);
constexpr Duration kReportEvery = std::chrono::minutes(5);
// While the runtime is not ready somebody waits for it to become so.
constexpr Duration kLookSoon = std::chrono::seconds(1);
constexpr Duration kRuntimeTimeout = std::chrono::seconds(5);

}  // namespace

NodeReporter::NodeReporter(
    Executor executor, runtime::ContainerRuntime& container_runtime, const Clock& clock,
    Surroundings surroundings
)
    : runtime_(container_runtime),
      clock_(clock),
      surroundings_(std::move(surroundings)),
      maker_(surroundings_.version),
      wake_(std::move(executor)) {}

void NodeReporter::start(TaskGroup& group) {
    group.spawn(loop());
}

Task<RuntimeFacts> NodeReporter::ask_runtime() {
    RuntimeFacts facts;
    facts.name = runtime_name_;
    facts.version = runtime_version_;
    const auto version = co_await with_timeout(runtime_.version(), kRuntimeTimeout);
    if (!version) {
        facts.message = "container runtime is down: " + version.error().message();
        co_return facts;
    }
    facts.reachable = true;
    facts.name = runtime_name_ = version->name;
    facts.version = runtime_version_ = version->version;
    const auto status = co_await with_timeout(runtime_.status(), kRuntimeTimeout);
    if (!status) {
        facts.message = "container runtime status check failed: " + status.error().message();
        co_return facts;
    }
    facts.ready = status->runtime.ready;
    facts.network_ready = status->network.ready;
    if (!facts.ready) {
        facts.message = "container runtime not ready: " + status->runtime.message;
    } else if (!facts.network_ready) {
        facts.message = "container runtime network not ready: " + status->network.message;
    }
    co_return facts;
}

Task<> NodeReporter::list_images() {
    const auto images = co_await with_timeout(runtime_.list_images(), kRuntimeTimeout);
    if (!images) co_return;
    images_.clear();
    for (const runtime::ImageInfo& image : *images) {
        ImageFacts one{.names = image.digests, .bytes = image.bytes};
        one.names.insert(one.names.end(), image.tags.begin(), image.tags.end());
        images_.push_back(std::move(one));
    }
}

Task<> NodeReporter::loop() {
    while (true) {
        const RuntimeFacts runtime = co_await ask_runtime();
        if (runtime.reachable) co_await list_images();
        const Now now = clock_.now();
        json::Value status = maker_.make(
            read_machine_facts(surroundings_.data_dir), runtime, surroundings_.store(), images_,
            now.wall
        );
        const bool due = !reported_ || now.mono - *reported_ >= kReportEvery;
        if (due || differs(status, last_)) {
            last_ = std::move(status);
            reported_ = now.mono;
            surroundings_.report(last_);
        }
        co_await wake_.wait_for(runtime.ready && runtime.network_ready ? kLookEvery : kLookSoon);
    }
}

}  // namespace farhold::node
