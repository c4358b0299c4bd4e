// SPDX-License-Identifier: Apache-2.0
//
// One machine's container runtime: it outlives edgecore, reserves names as containerd does, and can
// fail, lose an answer, or carry an operation out long after it was given up.
#pragma once

#include "edgecore/pods/pod_lifecycle.hpp"
#include "world.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace farhold::simulation {

class SimRuntime {
public:
    SimRuntime(World& world, std::string node) : world_(world), node_(std::move(node)) {}

    // How a container of the pod behaves by itself.
    struct Habit {
        Duration lifetime{};  // Ends after that with 0; zero: runs for ever.
    };
    void set_habit(const std::string& pod_uid, Habit habit) { habits_[pod_uid] = habit; }
    void inherit_habit(const std::string& old_uid, const std::string& new_uid) {
        habits_[new_uid] = habits_[old_uid];
    }

    using Done = std::function<void(Result<void>)>;
    // `spec_hash` is of the container to create.
    void operate(
        const podspec::PodIdentity& pod, const pods::Action& action, const std::string& spec_hash,
        WallTime wall, Done done
    );
    void list(std::function<void(Result<std::map<std::string, pods::Observation>>)> done);

    // Called after each change, by whoever edgecore is at the time.
    void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

    // Faults.
    void crash_container(WallTime wall);
    void wipe();
    void reboot(WallTime wall);
    void go_away_for(Duration duration) { away_until_ = world_.now() + duration; }

    [[nodiscard]] const std::map<std::string, pods::Observation>& pods() const { return pods_; }
    // As the labels say.
    [[nodiscard]] const podspec::PodIdentity& identity(const std::string& uid) const {
        return identities_.at(uid);
    }

private:
    [[nodiscard]] bool reserved(const std::string& uid, const pods::Action& action) const;
    Result<void> apply(
        const podspec::PodIdentity& pod, const pods::Action& action, const std::string& spec_hash,
        WallTime wall
    );
    Result<void> run_sandbox(const std::string& uid, const pods::RunSandbox& run);
    Result<void> create(
        const std::string& uid, const pods::CreateContainer& create, const std::string& spec_hash
    );
    Result<void> start(const std::string& uid, const pods::StartContainer& start, WallTime wall);
    void end_container(pods::ObservedContainer& container, std::int32_t code, WallTime wall);
    void changed();

    World& world_;
    std::string node_;
    std::map<std::string, pods::Observation> pods_;  // By uid.
    std::map<std::string, podspec::PodIdentity> identities_;
    std::map<std::string, Habit> habits_;
    std::set<std::string> reserved_;  // Names of operations that are still to take effect.
    std::function<void()> changed_;
    Instant away_until_{};
    std::uint64_t era_ = 0;  // Raised by a reboot or wipe: what was under way is void.
    std::uint64_t ids_ = 0;
};

}  // namespace farhold::simulation
