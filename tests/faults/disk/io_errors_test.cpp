// SPDX-License-Identifier: Apache-2.0
//
// D6, D8, P1, P12: the disk under a running edgecore fails, once or for as long as it likes. Pods
// go on, the status tells it, and when the disk works again so does edgecore, without a restart.
#include "tests/support/rig/faulty_calls.hpp"
#include "tests/support/rig/loop_disk.hpp"
#include "tests/support/rig/pod_life.hpp"

#include <cerrno>
#include <cstdio>
#include <filesystem>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

std::string integrity(const Machine& machine) {
    return std::string(machine.status().text_at({"store", "integrity"}));
}

class FailingDisk {
public:
    FailingDisk()
        : calls_(runtime_.folder() + "/calls", runtime_.folder() + "/edge-data"),
          site_(runtime_, [this](CloudOptions&, MachineOptions& machine) {
              machine.environment = calls_.environment();
          }) {
        site_.run_pod("witness");
        witness_ = identities(site_.runtime);
        process_ = site_.machine.process().pid();
    }

    FaultyCalls& calls() { return calls_; }

    void live() {
        live_a_pods_life(site_, "pod-" + std::to_string(++lives_), [] {});
    }

    // For as long as nothing can be written; then all is well again.
    void fail_for_a_while(Call call, int error) {
        calls_.fail(call, error);
        const std::string name = "late-" + std::to_string(++lives_);
        site_.cloud.apply(pod_manifest(name));
        wait_until("status tells of the trouble", 30s, [this] {
            return integrity(site_.machine) != "ok";
        });
        CHECK(identities(site_.runtime) == witness_);
        calls_.clear();
        wait_until(name + " runs", 60s, [&] { return site_.cloud.pod_phase(name) == "Running"; });
        wait_until("status tells that all is well", 30s, [this] {
            return integrity(site_.machine) == "ok";
        });
        site_.cloud.kubectl({"delete", "pod", name});
        require_unharmed();
    }

    void require_unharmed() {
        site_.require_healed();
        CHECK(identities(site_.runtime) == witness_);
        CHECK(site_.machine.process().pid() == process_);
        CHECK(site_.machine.running());
    }

private:
    ContainerdFixture runtime_;
    FaultyCalls calls_;
    Site site_;
    std::map<std::string, ContainerIdentity> witness_;
    ::pid_t process_ = 0;
    int lives_ = 0;
};

}  // namespace

TEST_CASE("edgecore: the disk fails once, or for a while", "[faults][edgecore]") {
    FailingDisk disk;
    disk.calls().clear();
    disk.live();
    const auto syncs = disk.calls().seen(Call::sync);
    const auto places = spread(syncs, fault_rounds(5, 1000));
    for (const auto number : places) {
        INFO("EIO at sync " << number << " of " << syncs);
        disk.calls().fail(Call::sync, EIO, number, number);
        disk.live();
    }
    disk.calls().clear();
    disk.require_unharmed();
    disk.fail_for_a_while(Call::sync, EIO);
    disk.fail_for_a_while(Call::write, EIO);
    disk.fail_for_a_while(Call::write, ENOSPC);
    std::printf(
        "the disk failed at %zu of %zu syncs of a pod's life, and three times for a while: the pod "
        "beside was untouched, status told it, edgecore went on without a restart, all agrees\n",
        places.size(), static_cast<std::size_t>(syncs)
    );
}

TEST_CASE("edgecore: the disk goes read-only", "[faults][edgecore]") {
    ContainerdFixture runtime;
    LoopDisk disk(runtime.folder(), "disk", 32);
    Site site(runtime, [&](CloudOptions&, MachineOptions& machine) {
        machine.data_dir = disk.path() + "/edge";
        // What running containers have mounted would keep the broken file system alive.
        std::filesystem::create_directories(disk.path() + "/edge");
        std::filesystem::create_directories(runtime.folder() + "/pods");
        if (!std::filesystem::exists(disk.path() + "/edge/pods")) {
            std::filesystem::create_directory_symlink(
                runtime.folder() + "/pods", disk.path() + "/edge/pods"
            );
        }
    });
    site.run_pod("witness");
    const auto witness = identities(runtime);
    disk.fail_read_only();
    site.cloud.apply(pod_manifest("late"));
    wait_until("status tells of the trouble", 30s, [&] { return integrity(site.machine) != "ok"; });
    CHECK(site.machine.running());
    CHECK(identities(runtime) == witness);
    site.machine.stop();
    disk.restore();
    site.machine.start();
    wait_until("late runs", 60s, [&] { return site.cloud.pod_phase("late") == "Running"; });
    CHECK(identities(runtime).at("default/witness/main") == witness.at("default/witness/main"));
    site.require_healed();
    std::printf(
        "the disk went read-only: the pod was untouched, status told it, and after a repair the "
        "pod "
        "that had to wait ran\n"
    );
}
