// SPDX-License-Identifier: Apache-2.0
//
// P10, N17, C9: the wall clock is not trusted. It stands in 1970 at a start, is ten years ahead, and
// jumps while containers start, crash and wait, while the link is made and certificates are renewed,
// on the machine and in the cloud: no container is restarted or deleted for it, no report is lost, no
// timer sticks, and the link is there in the end.
#include "tests/support/rig/site.hpp"
#include "tests/support/skip.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

std::string find_libfaketime() {
    for (const auto* folder :
         {"/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"}) {
        std::string path = std::string(folder) + "/libfaketimeMT.so.1";
        if (fs::exists(path)) return path;
    }
    skip_tests("libfaketime is not installed");
}

// The wall clock of one program; its monotonic clock is the kernel's.
class WallClock {
public:
    explicit WallClock(std::string file) : file_(std::move(file)), library_(find_libfaketime()) {
        set("+0");
    }

    // How far it is off: "+10y", "-56y", "+300d", "+0".
    void set(const std::string& offset) const {
        // At once, not half-written: it is read with every look at the clock.
        std::ofstream(file_ + ".new") << offset << "\n";
        fs::rename(file_ + ".new", file_);
    }

    std::map<std::string, std::string> environment() const {
        return {
            {"LD_PRELOAD", library_},   {"FAKETIME_TIMESTAMP_FILE", file_},
            {"FAKETIME_NO_CACHE", "1"}, {"FAKETIME_DONT_FAKE_MONOTONIC", "1"},
            {"NO_FAKE_STAT", "1"},
        };
    }

private:
    std::string file_;
    std::string library_;
};

// libfaketime leaves two files for each process that is killed. Begins before the programs, so that
// it ends after them.
class NothingLeft {
public:
    NothingLeft() = default;
    NothingLeft(const NothingLeft&) = delete;
    NothingLeft& operator=(const NothingLeft&) = delete;
    ~NothingLeft() {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator("/dev/shm", ignored)) {
            const std::string name = entry.path().filename();
            const bool theirs =
                name.starts_with("faketime_shm_") || name.starts_with("sem.faketime_sem_");
            if (theirs && !fs::exists("/proc/" + name.substr(name.rfind('_') + 1))) {
                fs::remove(entry.path(), ignored);
            }
        }
    }
};

// Of a pod's only container, as the cloud has it.
std::int64_t restarts(const Site& site, const std::string& pod) {
    const auto object = site.cloud.get("/api/v1/namespaces/default/pods/" + pod);
    const auto& all = object.elements_at({"status", "containerStatuses"});
    return all.empty() ? 0 : all.front().integer_at({"restartCount"});
}

bool all_ready(const Site& site, std::size_t count, std::int64_t restarted) {
    const auto status = site.machine.status();
    const auto& pods = status.elements_at({"pods"});
    return pods.size() == count && std::ranges::all_of(pods, [&](const auto& pod) {
               return pod.bool_at({"ready"}) && pod.integer_at({"restarts"}) == restarted;
           });
}

void kill_container(Site& site, const std::string& pod) {
    site.runtime.ctr(
        {"tasks", "kill", "-s", "KILL", identities(site.runtime).at("default/" + pod + "/main").id}
    );
}

std::string short_name(std::string offset) {
    std::ranges::replace(offset, '+', 'p');
    std::ranges::replace(offset, '-', 'm');
    return offset;
}

}  // namespace

TEST_CASE("clock: wrong at a start without a hub, every pod comes up", "[faults][clock]") {
    const NothingLeft at_the_end;
    Site site;
    const WallClock clock(site.folder() + "/machine-clock");
    site.machine.options().environment = clock.environment();
    for (const auto* pod : {"one", "two", "three"}) site.run_pod(pod);
    site.cloud.kill();
    std::int64_t starts = 0;
    for (const auto* offset : {"-56y", "+10y"}) {
        site.machine.kill();
        site.runtime.cut_power();
        site.runtime.start();
        clock.set(offset);
        site.machine.start();
        ++starts;
        wait_until(std::string("all pods run with the clock at ") + offset, 60s, [&] {
            return all_ready(site, 3, starts);
        });
    }
    const auto before = identities(site.runtime);
    site.cloud.start();
    wait_until("the restarts arrive", 60s, [&] { return restarts(site, "one") == starts; });
    site.require_healed();
    CHECK(identities(site.runtime) == before);
    std::printf("offline starts in 1970 and ten years ahead: every pod came up each time\n");
}

TEST_CASE("clock: jumps of years under a running edgecore", "[faults][clock]") {
    const NothingLeft at_the_end;
    Site site;
    const WallClock clock(site.folder() + "/machine-clock");
    site.machine.options().environment = clock.environment();
    site.machine.stop();
    site.machine.start();
    site.run_pod("steady");
    site.run_pod("victim");
    site.cloud.apply(pod_manifest("crasher", {.command = "sleep 0.2; exit 3"}));
    const auto steady = identities(site.runtime).at("default/steady/main");
    std::int64_t killed = 0;
    const std::size_t rounds = std::min<std::size_t>(fault_rounds(1), 5);
    for (std::size_t round = 0; round < rounds; ++round) {
        for (const std::string offset : {"+10y", "-10y", "-56y", "+0"}) {
            const std::string name = "pod-" + short_name(offset) + std::to_string(round);
            site.cloud.apply(pod_manifest(name));  // A start is under way as the clock jumps.
            clock.set(offset);
            if (killed < 2) {  // A third one would wait for its back-off longer than the test.
                kill_container(site, "victim");
                ++killed;
            }
            wait_until(name + " runs", 60s, [&] {
                return site.cloud.pod_phase(name) == "Running";
            });
            wait_until("the restart is told", 60s, [&] {
                return restarts(site, "victim") == killed;
            });
            site.cloud.kubectl({"delete", "pod", name, "--wait=false"});
            wait_until(name + " is gone", 60s, [&] { return site.cloud.pod_phase(name).empty(); });
        }
        for (const std::string offset : {"-56y", "+10y", "-10y", "+0"}) {
            site.cloud.kill();
            site.cloud.start_without_waiting();
            clock.set(offset);  // While the machine dials and both shake hands.
            site.cloud.wait_until_ready();
            wait_until("the link is back", 30s, [&] { return site.machine.connected(); });
        }
    }
    // Its waits are of 10 and 20 seconds, whatever the wall clock says.
    wait_until("the crashing pod is tried again", 60s, [&] {
        return restarts(site, "crasher") >= 2;
    });
    site.require_healed();
    CHECK(identities(site.runtime).at("default/steady/main") == steady);
    std::printf("the machine's clock jumped by up to 56 years: nothing restarted, lost or stuck\n");
}

TEST_CASE("clock: wrong and jumping in the cloud", "[faults][clock]") {
    const NothingLeft at_the_end;
    Site site;
    const WallClock clock(site.folder() + "/cloud-clock");
    site.run_pod("steady");
    const auto before = identities(site.runtime);
    site.cloud.options().environment = clock.environment();
    for (const std::string offset : {"+300d", "+6y", "-10y", "+0"}) {
        site.cloud.kill();
        clock.set(offset);
        site.cloud.start();
        wait_until("the link is back with the cloud's clock at " + offset, 60s, [&] {
            return site.machine.connected();
        });
        const std::string name = "pod-" + short_name(offset);
        site.run_pod(name);
        site.cloud.kubectl({"delete", "pod", name, "--wait=false"});
        wait_until(name + " is gone", 60s, [&] { return site.cloud.pod_phase(name).empty(); });
        site.require_healed();
    }
    for (const std::string offset : {"+6y", "-10y", "+0"}) {
        clock.set(offset);
        const std::string name = "jump-" + short_name(offset);
        site.run_pod(name);
        CHECK(site.machine.connected());
    }
    site.require_healed();
    // The time that the hub proved made the certificate old.
    CHECK(site.machine.log().contains("certificate renewed"));
    const auto after = identities(site.runtime);
    for (const auto& [name, identity] : before) CHECK(after.at(name) == identity);
    std::printf(
        "the cloud's clock was wrong by up to ten years: the machine kept its pod and link\n"
    );
}
