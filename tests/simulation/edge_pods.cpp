// SPDX-License-Identifier: Apache-2.0
//
// EdgeProcess's part that keeps a driver for each pod, by the rules of PodManager.
#include "common/json/value.hpp"
#include "edge_process.hpp"
#include "edgecore/podspec/references.hpp"

#include <algorithm>
#include <utility>

namespace farhold::simulation {

using namespace std::chrono_literals;

// The first listing comes before the first decision, then one a minute, and whenever something that
// nobody knows has appeared.
void EdgeProcess::list_runtime() {
    machine_.runtime.list([this, self = weak_from_this()](auto listed) {
        const auto process = self.lock();
        if (process == nullptr || dead_) {
            return;
        }
        if (listed) {
            take_listing(*listed);
        }
        later(listed ? 60s : 1s, [this] { list_runtime(); });
    });
}

void EdgeProcess::take_listing(const std::map<std::string, pods::Observation>& listed) {
    for (const auto& [uid, state] : listed) {
        driver_for(machine_.runtime.identity(uid));
    }
    if (!std::exchange(runtime_listed_, true)) {
        take_what_is_known();
    }
    take_away_unwanted();
}

void EdgeProcess::runtime_changed() {
    for (const auto& [uid, driver] : std::map(pods_)) {
        driver->runtime_changed();
    }
    const bool all_known = std::ranges::all_of(machine_.runtime.pods(), [this](const auto& pod) {
        return pods_.contains(pod.first);
    });
    if (!all_known && runtime_listed_) {
        machine_.runtime.list([this, self = weak_from_this()](auto listed) {
            const auto process = self.lock();
            if (process != nullptr && !dead_ && listed) {
                take_listing(*listed);
            }
        });
    }
}

void EdgeProcess::take_what_is_known() {
    for (const store::DesiredRow* row : desired_.of_kind("Pod")) {
        take_pod(row->key);
    }
    // Of pods that are nowhere else: from a process that died while it was taking them down.
    for (const auto& [uid, text] : std::map(memory_)) {
        const pods::PodMemory memory = pods::decode_memory(text).value();
        driver_for(podspec::PodIdentity{memory.ns, memory.name, uid});
    }
}

void EdgeProcess::take_changes(const std::set<object::ObjectKey>& changed) {
    if (!runtime_listed_) {
        return;
    }
    for (const object::ObjectKey& key : changed) {
        if (key.kind == "Pod") {
            take_pod(key);
            continue;
        }
        for (const auto& [uid, driver] : std::map(pods_)) {
            if (driver->spec() != nullptr && driver->spec()->identity.ns == key.ns) {
                driver->references_changed();
            }
        }
    }
    if (!changed.empty()) {
        take_away_unwanted();
    }
}

void EdgeProcess::take_pod(const object::ObjectKey& key) {
    const store::DesiredRow* row = desired_.find(key);
    for (const auto& [uid, driver] : std::map(pods_)) {
        const bool same_name = driver->spec() != nullptr && driver->spec()->identity.ns == key.ns &&
                               driver->spec()->identity.name == key.name;
        if (same_name && (row == nullptr || row->uid != uid) && removed_.insert(uid).second) {
            driver->desire(nullptr);
        }
    }
    if (row == nullptr) {
        return;
    }
    const auto content = json::Value::parse(*row->content);
    auto spec = podspec::parse_pod(content.value(), row->uid);
    if (!spec) {
        world_.violate("readable", key.text() + ": " + spec.error().message());
        return;
    }
    removed_.erase(row->uid);
    driver_for(spec->identity).desire(std::make_shared<const podspec::PodSpec>(std::move(*spec)));
}

void EdgeProcess::take_away_unwanted() {
    if (!desired_.complete()) {
        return;
    }
    std::set<std::string> wanted;
    for (const store::DesiredRow* row : desired_.of_kind("Pod")) {
        wanted.insert(row->uid);
    }
    for (const auto& [uid, driver] : std::map(pods_)) {
        const bool known = memory_.contains(uid) || desired_.confirmed();
        if (driver->spec() == nullptr && known && !wanted.contains(uid) &&
            removed_.insert(uid).second) {
            driver->desire(nullptr);
        }
    }
}

PodDriver& EdgeProcess::driver_for(const podspec::PodIdentity& pod) {
    std::shared_ptr<PodDriver>& driver = pods_[pod.uid];
    if (driver == nullptr) {
        pods::PodMemory memory;
        if (const auto row = memory_.find(pod.uid); row != memory_.end()) {
            memory = pods::decode_memory(row->second).value();
        }
        driver = std::make_shared<PodDriver>(*this, pod, std::move(memory));
        driver->pump();
    }
    return *driver;
}

void EdgeProcess::pod_forgotten(const std::string& uid) {
    const auto driver = pods_.find(uid);
    const podspec::PodIdentity pod = driver->second->identity();
    pods_.erase(driver);
    removed_.erase(uid);
    // In case that it was wanted again just then.
    later(0s, [this, pod] { take_pod(object::ObjectKey{"Pod", pod.ns, pod.name}); });
}

}  // namespace farhold::simulation
