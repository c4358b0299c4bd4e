// SPDX-License-Identifier: Apache-2.0
//
// How long it takes until pods run, beside what the container runtime needs without us.
#include "benchmarks.hpp"
#include "progress.hpp"
#include "runtime_alone.hpp"
#include "stage.hpp"
#include "tests/support/rig/invariants.hpp"
#include "tests/support/rig/process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace farhold::bench {

namespace {

using namespace std::chrono_literals;

constexpr int kSinglePods = 20;
constexpr int kBurst = 40;
constexpr int kBurstRounds = 3;
constexpr int kRestarted = 10;
constexpr int kAdoptions = 5;
constexpr int kReboots = 3;

// One pod at a time on a node that has those before it, and after each the runtime alone.
void add_single_pods(std::vector<Figure>& figures, Stage& stage, RuntimeAlone& alone) {
    say(fmt::format("{} pods one by one, each beside the runtime alone", kSinglePods));
    PodTimes times(stage.admin());
    ApiSession api(stage.admin());
    std::vector<double> ours;
    std::vector<double> runtimes;
    for (int number = 1; number <= kSinglePods; ++number) {
        const std::string name = fmt::format("single-{}", number);
        const Stopwatch watch;
        api.ask("POST", kPods, sleeping_pod(name));
        ours.push_back(watch.milliseconds_until(times.wait_running({name})));
        runtimes.push_back(alone.start_pods(1, 1));
        alone.remove_pods();
    }
    const double ours_p95 = percentile(ours, 95);
    const double runtime_p95 = percentile(runtimes, 95);
    figures.push_back({
        .key = "applyToRunningMedianMs",
        .what = "POST of a pod to Running in the API, median of 20",
        .value = median(ours),
        .unit = "ms",
        .below = {},
    });
    figures.push_back({
        .key = "applyToRunningP95Ms",
        .what = "POST of a pod to Running in the API, p95 of 20",
        .value = ours_p95,
        .unit = "ms",
        .below = runtime_p95 + 100,
    });
    figures.push_back({
        .key = "runtimeAloneMedianMs",
        .what = "the runtime alone, median (RunPodSandbox, Create-, StartContainer)",
        .value = median(runtimes),
        .unit = "ms",
        .below = {},
    });
    figures.push_back({
        .key = "runtimeAloneP95Ms",
        .what = "the runtime alone, p95",
        .value = runtime_p95,
        .unit = "ms",
        .below = {},
    });
}

double run_burst(Stage& stage, int round) {
    PodTimes times(stage.admin());
    ApiSession api(stage.admin());
    std::vector<std::string> names;
    const Stopwatch watch;
    for (int number = 1; number <= kBurst; ++number) {
        names.push_back(fmt::format("burst-{}-{}", round, number));
        api.ask("POST", kPods, sleeping_pod(names.back()));
    }
    return watch.milliseconds_until(times.wait_running(names));
}

// The runtime alone in the order that is best for it: all at once, or a few at a time.
double runtime_burst(RuntimeAlone& alone) {
    double best = std::numeric_limits<double>::max();
    for (const int at_once : {4, kBurst}) {
        best = std::min(best, alone.start_pods(kBurst, at_once));
        alone.remove_pods();
    }
    return best;
}

void add_burst(std::vector<Figure>& figures, Stage& stage, RuntimeAlone& alone) {
    std::vector<double> ours;
    std::vector<double> runtimes;
    for (int round = 1; round <= kBurstRounds; ++round) {
        say(fmt::format("{} pods at once, round {} of {}", kBurst, round, kBurstRounds));
        stage.remove_pods();
        runtimes.push_back(runtime_burst(alone));
        ours.push_back(run_burst(stage, round));
    }
    stage.remove_pods();
    figures.push_back({
        .key = "burst40RunningMs",
        .what = "40 pods at once, all Running in the API, median of 3",
        .value = median(ours),
        .unit = "ms",
        .below = median(runtimes) * 1.3,
    });
    figures.push_back({
        .key = "burst40RuntimeAloneMs",
        .what = "the runtime alone (the better of 4 and 40 at a time)",
        .value = median(runtimes),
        .unit = "ms",
        .below = {},
    });
}

// Milliseconds from the start of edgecore until it says that all of its pods run.
double start_offline(Stage& stage) {
    const Stopwatch watch;
    stage.machine.start_without_waiting();
    while (true) {
        try {
            if (stage.machine_runs(kRestarted)) return watch.milliseconds();
        } catch (const std::exception&) {
            // Its local API does not answer yet.
        }
        if (watch.milliseconds() > 60'000) {
            throw std::runtime_error("the pods do not run a minute after the start of edgecore");
        }
        test::pause_briefly(2);
    }
}

void add_offline_starts(std::vector<Figure>& figures, Stage& stage) {
    stage.run_pods("offline", kRestarted);
    say("restarts of edgecore without a link: adoption");
    stage.cloud.kill();
    std::vector<double> adoptions;
    const auto before = test::identities(stage.runtime);
    for (int round = 0; round < kAdoptions; ++round) {
        stage.machine.kill();
        adoptions.push_back(start_offline(stage));
    }
    if (test::identities(stage.runtime) != before) {
        throw std::runtime_error("containers were restarted, not adopted");
    }
    say("power cuts without a link: containerd's state emptied, then containerd and edgecore start"
    );
    std::vector<double> reboots;
    for (int round = 0; round < kReboots; ++round) {
        stage.machine.kill();
        stage.runtime.cut_power();
        stage.runtime.start();
        reboots.push_back(start_offline(stage));
    }
    figures.push_back({
        .key = "offlineAdoptionMs",
        .what = "offline start of edgecore to 10 adopted pods, median of 5",
        .value = median(adoptions),
        .unit = "ms",
        .below = 1000,
    });
    figures.push_back({
        .key = "offlineRebootMs",
        .what = "reboot offline: edgecore's start to 10 new pods, median of 3",
        .value = median(reboots),
        .unit = "ms",
        .below = 3200,
    });
}

}  // namespace

std::vector<Figure> measure_startup() {
    std::vector<Figure> figures;
    Stage stage;
    RuntimeAlone alone(
        stage.runtime.socket(), stage.runtime.cgroup_parent() + "/alone",
        stage.runtime.folder() + "/alone-logs"
    );
    add_single_pods(figures, stage, alone);
    add_burst(figures, stage, alone);
    add_offline_starts(figures, stage);
    return figures;
}

}  // namespace farhold::bench
