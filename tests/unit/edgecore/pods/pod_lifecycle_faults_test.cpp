// SPDX-License-Identifier: Apache-2.0
//
// Every step of a pod's life failing in every way, in turn: the pod must still come up once, and
// after its deletion nothing may be left.
#include "common/base/random.hpp"
#include "edgecore/pods/pod_lifecycle.hpp"
#include "pod_bench.hpp"
#include "tests/support/catch.hpp"

namespace farhold::pods::test {

namespace {

const std::string kTwoContainers = R"({"metadata":{"name":"hello","namespace":"default"},"spec":
    {"terminationGracePeriodSeconds":5,"initContainers":[{"name":"init","image":"init:1"}],
     "containers":[{"name":"main","image":"img:1"},{"name":"side","image":"img:2"}]}})";

void finish_init(Bench& bench) {
    for (int tries = 0; tries < 4; ++tries) {
        bench.run_for(2min);
        bench.exit_container("init", 0);
    }
    bench.run_for(2min);
}

}  // namespace

TEST_CASE(
    "pod_lifecycle: comes up once and goes away whole, whichever step fails how",
    "[pods][fail-every-step]"
) {
    for (const auto fault :
         {Bench::Fault::fail, Bench::Fault::lost_answer, Bench::Fault::delayed}) {
        for (int failing = 0;; ++failing) {
            Bench bench;
            int step = 0;
            bool failed = false;
            bench.faults = [&](const Action&) {
                const bool hit = step++ == failing;
                failed |= hit;
                return hit ? fault : Bench::Fault::none;
            };
            bench.lifecycle.desire(make_spec(kTwoContainers), bench.now());
            finish_init(bench);
            INFO("fault " << static_cast<int>(fault) << " at step " << failing);
            REQUIRE(bench.running("main") == 1);
            REQUIRE(bench.running("side") == 1);
            REQUIRE(bench.sandboxes.size() == 1);
            bench.lifecycle.desire(nullptr, bench.now());
            bench.run_for(2min);
            REQUIRE(bench.sandboxes.empty());
            REQUIRE(bench.containers.empty());
            REQUIRE_FALSE(bench.volumes_there);
            if (!failed) {
                REQUIRE(failing > 20);
                break;
            }
        }
    }
}

TEST_CASE(
    "pod_lifecycle: a process killed after any step goes on where the runtime stands",
    "[pods][fail-every-step]"
) {
    for (int killed = 0; killed < 40; ++killed) {
        Bench bench;
        bench.lifecycle.desire(make_spec(kTwoContainers), bench.now());
        for (int step = 0; step < killed; ++step) {
            if (std::holds_alternative<Wait>(bench.step())) {
                bench.exit_container("init", 0);
            }
        }
        bench.restart_process();
        finish_init(bench);
        INFO("killed after " << killed);
        REQUIRE(bench.running("main") == 1);
        REQUIRE(bench.running("side") == 1);
        REQUIRE(bench.sandboxes.size() == 1);
        REQUIRE(bench.record("main").attempt == 0);
    }
}

TEST_CASE(
    "pod_lifecycle: a first start that timed out and comes late is adopted, not doubled", "[pods]"
) {
    Bench bench;
    bool first = true;
    bench.faults = [&](const Action& action) {
        const bool hit = first && std::holds_alternative<RunSandbox>(action);
        first = first && !hit;
        return hit ? Bench::Fault::delayed : Bench::Fault::none;
    };
    bench.lifecycle.desire(make_spec(pod_json()), bench.now());
    bench.run_for(1min);
    CHECK(bench.running() == 1);
    REQUIRE(bench.sandboxes.size() == 1);
    CHECK(bench.sandboxes[0].attempt == 0);
}

TEST_CASE("pod_lifecycle: without a network dead sandboxes do not pile up", "[pods]") {
    Bench bench;
    // As containerd does without a network plugin: a start fails and leaves a sandbox behind that
    // cannot be stopped.
    bench.faults = [&](const Action& action) {
        if (const auto* run = std::get_if<RunSandbox>(&action)) {
            const std::string id = "dead-" + std::to_string(run->attempt);
            bench.sandboxes.push_back({.id = id, .attempt = run->attempt, .ready = false, .ip = ""}
            );
            return Bench::Fault::fail;
        }
        return std::holds_alternative<StopSandbox>(action) ? Bench::Fault::fail
                                                           : Bench::Fault::none;
    };
    bench.lifecycle.desire(make_spec(pod_json()), bench.now());
    bench.run_for(24h);
    CHECK(bench.sandboxes.size() == kDeadSandboxesMax);
    bench.faults = nullptr;
    bench.run_for(1min);
    CHECK(bench.running() == 1);
    CHECK(bench.sandboxes.size() == 1);
}

TEST_CASE(
    "pod_lifecycle: survives random failures, exits, wipes, restarts and changed minds",
    "[pods][property]"
) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        Random random(seed);
        Bench bench;
        bench.faults = [&](const Action&) {
            if (!random.chance(0.15)) {
                return Bench::Fault::none;
            }
            return random.chance(0.5)   ? Bench::Fault::lost_answer
                   : random.chance(0.5) ? Bench::Fault::delayed
                                        : Bench::Fault::fail;
        };
        bench.lifecycle.desire(make_spec(pod_json()), bench.now());
        std::uint32_t restarts = 0;
        INFO("seed " << seed);
        for (int turn = 0; turn < 60; ++turn) {
            switch (random.between(0, 6)) {
                case 0:
                    bench.exit_container("main", 1);
                    break;
                case 1:
                    bench.kill_sandbox();
                    break;
                case 2:
                    bench.wipe_runtime();
                    break;
                case 3:
                    bench.restart_process();
                    break;
                case 4:
                    bench.wall += (random.chance(0.5) ? 1 : -1) * 24h * 3650;
                    break;
                default:
                    break;
            }
            bench.run_for(std::chrono::seconds(random.between(1, 120)));
            // Counts that were stored never go back.
            if (const auto stored = bench.stored.containers.find("main");
                stored != bench.stored.containers.end()) {
                REQUIRE(stored->second.attempt >= restarts);
                restarts = stored->second.attempt;
            }
        }
        bench.faults = nullptr;
        bench.run_for(20min);
        REQUIRE(bench.running() == 1);
        bench.lifecycle.desire(nullptr, bench.now());
        bench.run_for(5min);
        REQUIRE(bench.sandboxes.empty());
        REQUIRE(bench.containers.empty());
    }
}

TEST_CASE("pod_lifecycle: says nothing of containers that it only remembers", "[pods]") {
    Bench bench;
    CHECK(bench.lifecycle.status_known());
    bench.lifecycle.desire(make_spec(kTwoContainers), bench.now());
    finish_init(bench);
    bench.restart_process();
    bench.faults = [](const Action&) { return Bench::Fault::fail; };
    bench.run_for(1min);
    CHECK_FALSE(bench.lifecycle.status_known());
    bench.faults = nullptr;
    bench.run_for(1min);
    CHECK(bench.lifecycle.status_known());
}

TEST_CASE("pod_lifecycle: a stop that begins after the grace is given its time", "[pods]") {
    Bench bench;
    bench.lifecycle.desire(make_spec(kTwoContainers), bench.now());
    finish_init(bench);
    bench.stop_works = false;
    bench.lifecycle.desire(nullptr, bench.now());
    bench.run_for(10s);
    REQUIRE(bench.last<StopContainers>()->grace == 0s);
    bench.hold_stops = true;
    bench.run_for(1min);
    CHECK(bench.count<Cancel>() == 0);
}

}  // namespace farhold::pods::test
