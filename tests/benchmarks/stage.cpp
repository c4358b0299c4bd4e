// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include "progress.hpp"
#include "tests/support/rig/process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace farhold::bench {

using namespace std::chrono_literals;

namespace {

constexpr Instant kNotYet = Instant::max();
constexpr auto kPatience = 90s;

}  // namespace

PodTimes::PodTimes(const ApiAccess& access)
    : watch_(access, kPods, [this](const json::Value& event) { see(event); }) {}

Instant PodTimes::wait_running(const std::vector<std::string>& names) {
    Instant last{};
    const auto all_run = [&] {
        last = Instant{};
        for (const std::string& name : names) {
            const auto found = running_.find(name);
            last = std::max(last, found == running_.end() ? kNotYet : found->second);
        }
        return last != kNotYet;
    };
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, all_run)) {
        throw std::runtime_error("some pods do not run after a minute and a half");
    }
    return last;
}

void PodTimes::see(const json::Value& event) {
    const Instant now = SystemClock().now().mono;
    const std::scoped_lock lock(mutex_);
    const std::string name(event.text_at({"object", "metadata", "name"}));
    if (event.text_at({"type"}) == "DELETED") {
        running_.erase(name);
    } else {
        Instant& since = running_.try_emplace(name, kNotYet).first->second;
        if (event.text_at({"object", "status", "phase"}) == "Running") since = std::min(since, now);
    }
    changed_.notify_all();
}

Stage::Stage(const std::string& cluster_kubeconfig)
    : cloud(cloud_options(cluster_kubeconfig)), machine(cloud, machine_options()) {
    say("bringing up a container runtime, cloudcore and edgecore");
    cloud.start();
    machine.join();
    machine.start();
    test::wait_until("the node is Ready", 60s, [this] { return cloud.node_ready(machine.name()); });
}

test::CloudOptions Stage::cloud_options(const std::string& cluster_kubeconfig) const {
    test::CloudOptions options;
    options.folder = runtime.folder();
    options.cluster_kubeconfig = cluster_kubeconfig;
    return options;
}

test::MachineOptions Stage::machine_options() const {
    test::MachineOptions options;
    options.folder = runtime.folder();
    options.runtime_socket = runtime.socket();
    options.cgroup_parent = runtime.cgroup_parent() + "/edge-1";
    return options;
}

ApiAccess Stage::admin() const {
    return api_access(cloud.kubeconfig());
}

bool Stage::machine_runs(std::size_t pods) const {
    ApiSession local(api_access(machine.data_dir() + "/local.kubeconfig"));
    const json::Value status = local.ask("GET", "/farhold/v1/status");
    const json::Array& list = status.elements_at({"pods"});
    return list.size() == pods && std::ranges::all_of(list, [](const json::Value& pod) {
               return pod.text_at({"phase"}) == "Running" && pod.bool_at({"ready"});
           });
}

void Stage::run_pods(const std::string& name, int count) {
    PodTimes times(admin());
    ApiSession api(admin());
    std::vector<std::string> names;
    for (int number = 1; number <= count; ++number) {
        names.push_back(fmt::format("{}-{}", name, number));
        api.ask("POST", kPods, sleeping_pod(names.back()));
    }
    times.wait_running(names);
}

void Stage::remove_pods() {
    ApiSession api(admin());
    const json::Value list = api.ask("GET", kPods);
    for (const json::Value& pod : list.elements_at({"items"})) {
        api.ask("DELETE", kPods + "/" + std::string(pod.text_at({"metadata", "name"})));
    }
    test::wait_until("all pods are gone", kPatience, [&] {
        return api.ask("GET", kPods).elements_at({"items"}).empty();
    });
}

std::string sleeping_pod(const std::string& name) {
    // With a grace of 0 the API would forget a deleted pod before its machine has stopped it.
    return test::pod_manifest(name, {.grace_seconds = 1});
}

}  // namespace farhold::bench
