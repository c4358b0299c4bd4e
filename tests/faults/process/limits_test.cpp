// SPDX-License-Identifier: Apache-2.0
//
// R5, R6, R7, P12: the programs meet the limits of their machine: descriptors, threads, memory. One
// operation fails, or a start with a clear reason; nothing spins, and pods do not notice.
#include "tests/support/rig/control_group.hpp"
#include "tests/support/rig/site.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

// The number that the next descriptor would get: as a limit it lets no other one be opened.
::rlim_t next_descriptor(::pid_t pid) {
    const std::string folder = "/proc/" + std::to_string(pid) + "/fd/";
    ::rlim_t number = 0;
    while (std::filesystem::is_symlink(folder + std::to_string(number))) ++number;
    return number;
}

void limit_descriptors(::pid_t pid, ::rlim_t count) {
    ::rlimit limit{};
    REQUIRE(::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) == 0);
    limit.rlim_cur = count;
    REQUIRE(::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr) == 0);
}

// Of a processor, used by all threads of the process so far.
double cpu_seconds(::pid_t pid) {
    const std::string stat = read_text("/proc/" + std::to_string(pid) + "/stat");
    std::istringstream fields(stat.substr(stat.rfind(')') + 1));
    std::string field;
    for (int number = 0; number < 11; ++number) fields >> field;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// The share of a processor that it uses while clients knock and cannot be let in.
double share_while_knocked_at(Process& process, int port) {
    std::vector<std::unique_ptr<Process>> clients;
    const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";
    const double before = cpu_seconds(process.pid());
    const auto begin = std::chrono::steady_clock::now();
    for (int client = 0; client < 4; ++client) {
        ProcessOptions options;
        options.argv = {"curl", "-s", "--max-time", "3", url};
        options.log = "/dev/null";
        clients.push_back(std::make_unique<Process>(options));
    }
    for (auto& client : clients) client->wait_for(10s);
    const auto time = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin);
    return (cpu_seconds(process.pid()) - before) / time.count();
}

}  // namespace

TEST_CASE("both: out of descriptors", "[faults][edgecore][cloudcore]") {
    Site site;
    site.run_pod("witness");
    const auto witness = identities(site.runtime);
    double busiest = 0;
    SECTION("edgecore") {
        Process& process = site.machine.process();
        limit_descriptors(process.pid(), next_descriptor(process.pid()));
        const auto api = site.machine.local_api_port();
        site.cloud.apply(pod_manifest("late"));
        busiest = share_while_knocked_at(process, api);
        CHECK(site.machine.running());
        CHECK(
            identities(site.runtime).at("default/witness/main") ==
            witness.at("default/witness/main")
        );
        limit_descriptors(process.pid(), 1024);
    }
    SECTION("cloudcore") {
        Process& process = site.cloud.process();
        limit_descriptors(process.pid(), next_descriptor(process.pid()));
        busiest = share_while_knocked_at(process, site.cloud.api_port());
        // Who has a session keeps it.
        CHECK(site.machine.connected());
        CHECK(site.cloud.running());
        limit_descriptors(process.pid(), 1024);
        site.cloud.apply(pod_manifest("late"));
    }
    CHECK(busiest < 0.5);
    wait_until("late runs", 60s, [&] { return site.cloud.pod_phase("late") == "Running"; });
    CHECK(
        identities(site.runtime).at("default/witness/main") == witness.at("default/witness/main")
    );
    site.require_healed();
    std::printf(
        "out of descriptors: the program lived, used %.0f %% of a processor while clients knocked, "
        "and "
        "went on when there were more\n",
        busiest * 100
    );
}

TEST_CASE("both: no thread can be started", "[faults][edgecore][cloudcore]") {
    Site site;
    site.run_pod("witness");
    const auto witness = identities(site.runtime);
    ControlGroup group("pids");
    int refused = 0;
    for (int threads = 1; threads <= 8; ++threads) {
        INFO("threads allowed: " << threads);
        group.set("pids.max", std::to_string(threads));
        for (const bool edge : {true, false}) {
            auto& wrapper = edge ? site.machine.options().wrapper : site.cloud.options().wrapper;
            if (edge) {
                site.machine.kill();
            } else {
                site.cloud.kill();
            }
            wrapper = group.wrapper();
            if (edge) {
                site.machine.start_without_waiting();
            } else {
                site.cloud.start_without_waiting();
            }
            Process& process = edge ? site.machine.process() : site.cloud.process();
            // It serves, or it has ended and said why.
            if (const auto code = process.wait_for(2s)) {
                INFO((edge ? site.machine.log() : site.cloud.log()));
                CHECK(*code == 1);
                CHECK(
                    (edge ? site.machine.log() : site.cloud.log()).contains("cannot start a thread")
                );
                ++refused;
            }
            process.kill();
            wrapper.clear();
            if (edge) {
                site.machine.start();
            } else {
                site.cloud.start();
            }
        }
    }
    CHECK(refused > 0);
    CHECK(identities(site.runtime) == witness);
    site.require_healed();
    std::printf(
        "edgecore and cloudcore started with 1 to 8 threads allowed: %d times refused with exit "
        "code 1 "
        "and a reason, otherwise served; the pod was untouched\n",
        refused
    );
}

TEST_CASE("edgecore: out of memory", "[faults][edgecore]") {
    Site site;
    site.run_pod("witness");
    const auto witness = identities(site.runtime);
    ControlGroup group("memory");
    site.machine.kill();
    group.limit_memory(1 << 20);
    site.machine.options().wrapper = group.wrapper();
    site.machine.start_without_waiting();
    const auto code = site.machine.process().wait_for(30s);
    // The kernel's SIGKILL, or an allocation that failed.
    CHECK(code.value_or(0) != 0);
    CHECK(identities(site.runtime) == witness);
    site.machine.options().wrapper.clear();
    site.machine.start();
    site.require_healed();
    CHECK(identities(site.runtime) == witness);
    std::printf(
        "edgecore killed for want of memory: the pod was untouched, all agrees after a start\n"
    );
}
