// SPDX-License-Identifier: Apache-2.0
#include "tests/support/rig/invariants.hpp"

#include "tests/support/rig/runtime_view.hpp"

#include <sstream>
#include <utility>

namespace farhold::test {

namespace {

using Pods = std::map<std::string, std::string>;  // What is told of each, by NAMESPACE/NAME.

Pods pods_of_cloud(const Cloud& cloud, const std::string& node) {
    Pods pods;
    const auto list = cloud.get("/api/v1/pods?fieldSelector=spec.nodeName%3D" + node);
    for (const json::Value& pod : list.elements_at({"items"})) {
        const std::string name(pod.text_at({"metadata", "name"}));
        const std::string ns(pod.text_at({"metadata", "namespace"}));
        pods.emplace(
            ns + "/" + name, std::string(pod.text_at({"metadata", "uid"})) + " " +
                                 std::string(pod.text_at({"status", "phase"}))
        );
    }
    return pods;
}

Pods pods_of_machine(const json::Value& status) {
    Pods pods;
    for (const json::Value& pod : status.elements_at({"pods"})) {
        pods.emplace(
            std::string(pod.text_at({"namespace"})) + "/" + std::string(pod.text_at({"name"})),
            std::string(pod.text_at({"uid"})) + " " + std::string(pod.text_at({"phase"}))
        );
    }
    return pods;
}

std::string list_of(const Pods& pods) {
    std::string text;
    for (const auto& [name, state] : pods) text += " " + name + " " + state + ";";
    return text.empty() ? " none;" : text;
}

std::string twice(
    const std::string& what, std::map<std::string, std::string>& seen, const std::string& key,
    const std::string& id
) {
    const auto [first, added] = seen.emplace(key, id);
    return added ? std::string() : what + " of " + key + " twice: " + first->second + ", " + id;
}

std::string doubled(const RuntimeView& view) {
    std::map<std::string, std::string> seen;
    for (const SandboxView& sandbox : view.sandboxes) {
        if (!sandbox.ready) continue;
        auto wrong = twice("sandbox", seen, sandbox.pod + " " + sandbox.uid, sandbox.id);
        if (!wrong.empty()) return wrong;
    }
    for (const ContainerView& one : view.containers) {
        if (!one.running) continue;
        const std::string key = one.pod + " " + one.uid + " " + one.name;
        auto wrong = twice("container", seen, key, one.id);
        if (!wrong.empty()) return wrong;
    }
    return {};
}

std::string start_of(::pid_t pid) {
    // The name in parentheses may hold anything; the start is the 20th field after it.
    const std::string stat = read_text("/proc/" + std::to_string(pid) + "/stat");
    std::istringstream fields(stat.substr(stat.rfind(')') + 1));
    std::string field;
    for (int number = 0; number < 20; ++number) fields >> field;
    return field;
}

}  // namespace

std::string not_converged(const Cloud& cloud, const Machine& machine) {
    const json::Value status = machine.status();
    const std::string link(status.text_at({"link", "state"}));
    if (link != "connected") return "the link is " + link;
    const auto waiting = status.integer_at({"outbox", "depth"});
    if (waiting != 0) return std::to_string(waiting) + " reports wait";
    if (!cloud.node_ready(machine.name())) return "the node is not Ready";
    // So that what follows the first look at the runtime is not missed.
    for (const json::Value& pod : status.elements_at({"pods"})) {
        if (pod.text_at({"phase"}) == "Unknown") return "edgecore has not looked at its pods yet";
    }
    const Pods there = pods_of_cloud(cloud, machine.name());
    const Pods here = pods_of_machine(status);
    if (there != here) return "pods in the cloud:" + list_of(there) + " here:" + list_of(here);
    return {};
}

PodObserver::PodObserver(const ContainerdFixture& runtime)
    : thread_([this, socket = runtime.socket()] { watch(socket); }) {}

PodObserver::~PodObserver() {
    ended_ = true;
    thread_.join();
}

std::string PodObserver::violation() const {
    const std::lock_guard lock(mutex_);
    return violation_;
}

void PodObserver::watch(const std::string& socket) {
    while (!ended_) {
        pause_briefly(100);
        try {
            const std::string wrong = doubled(view_runtime(socket));
            ++looks_;
            const std::lock_guard lock(mutex_);
            if (violation_.empty()) violation_ = wrong;
        } catch (const std::exception&) {
            // A runtime that is down shows nothing.
            continue;
        }
    }
}

std::map<std::string, ContainerIdentity> identities(ContainerdFixture& runtime) {
    std::map<std::string, std::string> names;
    const RuntimeView view = view_runtime(runtime.socket());
    for (const SandboxView& sandbox : view.sandboxes) names[sandbox.id] = sandbox.pod + "/";
    for (const ContainerView& one : view.containers) names[one.id] = one.pod + "/" + one.name;
    // TASK, PID, STATUS; the first line is the heading.
    std::istringstream lines(runtime.ctr({"tasks", "ls"}));
    std::string id;
    std::string pid;
    std::string status;
    lines >> id >> pid >> status;
    std::map<std::string, ContainerIdentity> running;
    while (lines >> id >> pid >> status) {
        if (status != "RUNNING" || !names.contains(id)) continue;
        const auto number = static_cast<::pid_t>(std::stol(pid));
        running[names[id]] = {id, number, start_of(number)};
    }
    return running;
}

}  // namespace farhold::test
