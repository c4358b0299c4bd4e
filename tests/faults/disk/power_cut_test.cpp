// SPDX-License-Identifier: Apache-2.0
//
// D1, P1, P2, P5: the power of a whole machine is cut: nothing of it runs any more, and its disk
// has only what had been written to it. It starts again with no cloud to ask. What it had told is
// there, its pods run, and what it had to report arrives when the cloud is back.
#include "common/base/random.hpp"
#include "tests/support/rig/loop_disk.hpp"
#include "tests/support/rig/site.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <set>
#include <string>

using namespace farhold;        // NOLINT(google-build-using-namespace)
using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

using Uids = std::set<std::string>;

class UnpluggedMachine {
public:
    UnpluggedMachine()
        : disk_(runtime_.folder(), "disk", 64),
          site_(runtime_, [this](CloudOptions&, MachineOptions& machine) {
              machine.data_dir = disk_.path() + "/edge";
          }) {
        site_.run_pod("witness");
    }

    // At any moment while three pods arrive: what status had told is known after it.
    void cut_while_pods_arrive(Duration moment) {
        for (const char* name : {"a", "b", "c"}) site_.cloud.apply(pod_manifest(name));
        Uids told;
        const auto end = std::chrono::steady_clock::now() + moment;
        do {
            const Uids now = known();
            told.insert(now.begin(), now.end());
        } while (std::chrono::steady_clock::now() < end);
        cut();
        site_.cloud.kill();
        boot();
        const Uids after = known();
        for (const std::string& uid : told) CHECK(after.contains(uid));
        come_home();
        for (const char* name : {"a", "b", "c"}) {
            wait_until(std::string(name) + " runs", 60s, [&] {
                return site_.cloud.pod_phase(name) == "Running";
            });
            remove(name);
        }
    }

    // A pod ends while nobody can be told; the report survives the cut.
    void cut_before_a_report_is_sent() {
        site_.cloud.apply(one_shot());
        wait_until("once runs", 60s, [this] { return site_.cloud.pod_phase("once") == "Running"; });
        site_.cloud.kill();
        ::kill(identities(runtime_).at("default/once/main").pid, SIGKILL);
        wait_until("the end of the pod is stored", 30s, [this] {
            return site_.machine.status().integer_at({"outbox", "depth"}) > 0;
        });
        cut();
        boot();
        CHECK(site_.machine.status().integer_at({"outbox", "depth"}) > 0);
        come_home();
        wait_until("the report arrives", 30s, [this] {
            return site_.cloud.pod_phase("once") == "Failed";
        });
        remove("once");
    }

    void require_healed() { site_.require_healed(); }

private:
    static std::string one_shot() {
        auto pod = json::Value::parse(pod_manifest("once"));
        pod->ensure_path({"spec"}).set("restartPolicy", json::Value::of("Never"));
        return pod->dump();
    }

    Uids known() const {
        Uids uids;
        const json::Value status = site_.machine.status();
        for (const json::Value& pod : status.elements_at({"pods"})) {
            uids.emplace(pod.text_at({"uid"}));
        }
        return uids;
    }

    void cut() {
        disk_.cut_power();
        site_.machine.kill();
        runtime_.cut_power();
    }

    // With no cloud: the witness runs again, from the store alone.
    void boot() {
        disk_.restore();
        runtime_.start();
        site_.machine.start();
        wait_until("the witness runs with no cloud", 60s, [this] {
            return identities(runtime_).contains("default/witness/main");
        });
    }

    void come_home() {
        site_.cloud.start();
        wait_until("cloud and machine agree", 60s, [this] {
            return not_converged(site_.cloud, site_.machine);
        });
    }

    void remove(const std::string& name) {
        site_.cloud.kubectl({"delete", "pod", name, "--wait=false"});
        wait_until(name + " is gone", 60s, [&] {
            return site_.cloud.get("/api/v1/namespaces/default/pods/" + name).is_null();
        });
    }

    ContainerdFixture runtime_;
    LoopDisk disk_;
    Site site_;
};

}  // namespace

TEST_CASE("edgecore: power cut of the whole machine", "[faults][edgecore]") {
    UnpluggedMachine machine;
    Random random(static_cast<std::uint64_t>(::getpid()));
    const std::size_t rounds = fault_rounds(4, 100);
    for (std::size_t round = 0; round < rounds; ++round) {
        const auto moment = std::chrono::milliseconds(random.between(0, 1500));
        INFO("round " << round << ", cut after " << moment.count() << " ms");
        machine.cut_while_pods_arrive(moment);
        machine.cut_before_a_report_is_sent();
    }
    machine.require_healed();
    std::printf(
        "a machine's power cut %zu times: all that its status had told was on its disk, its pods "
        "started "
        "with no cloud, every report arrived\n",
        2 * rounds
    );
}
