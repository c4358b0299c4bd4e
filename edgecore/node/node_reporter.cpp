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
    runtime::ContainerRuntime& container_runtime, const Clock& clock, std::string data_dir,
    std::string version, Report report
)
    : runtime_(container_runtime),
      clock_(clock),
      data_dir_(std::move(data_dir)),
      report_(std::move(report)),
      maker_(std::move(version)) {}

void NodeReporter::start(TaskGroup& group) {
    group.spawn(loop());
}

Task<RuntimeFacts> NodeReporter::ask_runtime() {
    RuntimeFacts facts;
    const auto version = co_await with_timeout(runtime_.version(), kRuntimeTimeout);
    if (!version) {
        facts.message = "container runtime is down: " + version.error().message();
        co_return facts;
    }
    facts.reachable = true;
    facts.name = version->name;
    facts.version = version->version;
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

Task<std::vector<ImageFacts>> NodeReporter::list_images() {
    std::vector<ImageFacts> facts;
    const auto images = co_await with_timeout(runtime_.list_images(), kRuntimeTimeout);
    if (!images) co_return facts;
    for (const runtime::ImageInfo& image : *images) {
        ImageFacts one{.names = image.digests, .bytes = image.bytes};
        one.names.insert(one.names.end(), image.tags.begin(), image.tags.end());
        facts.push_back(std::move(one));
    }
    co_return facts;
}

Task<> NodeReporter::loop() {
    while (true) {
        const RuntimeFacts runtime = co_await ask_runtime();
        const std::vector<ImageFacts> images = co_await list_images();
        const Now now = clock_.now();
        json::Value status = maker_.make(read_machine_facts(data_dir_), runtime, images, now.wall);
        const bool due = !reported_ || now.mono - *reported_ >= kReportEvery;
        if (due || differs(status, last_)) {
            last_ = std::move(status);
            reported_ = now.mono;
            report_(last_);
        }
        co_await sleep_for(runtime.ready && runtime.network_ready ? kLookEvery : kLookSoon);
    }
}

}  // namespace farhold::node
