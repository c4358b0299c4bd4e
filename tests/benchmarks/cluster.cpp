// SPDX-License-Identifier: Apache-2.0
//
// Beside a real control plane: how long it takes until pods run, and what its API server is asked.
#include "tests/support/kubernetes/cluster.hpp"

#include "benchmarks.hpp"
#include "progress.hpp"
#include "runtime_alone.hpp"
#include "stage.hpp"

#include <fmt/format.h>

#include <fstream>
#include <set>
#include <string>

namespace farhold::bench {

namespace {

using namespace std::chrono_literals;

constexpr int kPodsOneByOne = 20;
constexpr int kPodsAtRest = 10;
constexpr auto kRest = 5min;

// A stage and what is needed to try pods on it.
struct Side {
    explicit Side(Stage& given) : stage(given), times(given.admin()), api(given.admin()) {}

    void run_pod(const std::string& name) {
        const Stopwatch watch;
        api.ask("POST", kPods, sleeping_pod(name));
        took.push_back(watch.milliseconds_until(times.wait_running({name})));
    }

    Stage& stage;
    PodTimes times;
    ApiSession api;
    std::vector<double> took;
};

void add_times(
    std::vector<Figure>& figures, const std::string& key, const std::string& what,
    const std::vector<double>& took
) {
    figures.push_back({
        .key = key + "MedianMs",
        .what = what + ", median",
        .value = median(took),
        .unit = "ms",
        .below = {},
    });
    figures.push_back({
        .key = key + "P95Ms",
        .what = what + ", p95",
        .value = percentile(took, 95),
        .unit = "ms",
        .below = {},
    });
}

void add_pods(std::vector<Figure>& figures, Stage& embedded, Stage& beside) {
    say(fmt::format(
        "{} pods one by one: through the embedded API, a real one, the runtime alone", kPodsOneByOne
    ));
    RuntimeAlone alone(
        embedded.runtime.socket(), embedded.runtime.cgroup_parent() + "/alone",
        embedded.runtime.folder() + "/alone-logs"
    );
    Side ours(embedded);
    Side theirs(beside);
    std::vector<double> runtimes;
    for (int number = 1; number <= kPodsOneByOne; ++number) {
        const std::string name = fmt::format("single-{}", number);
        ours.run_pod(name);
        theirs.run_pod(name);
        runtimes.push_back(alone.start_pods(1, 1));
        alone.remove_pods();
    }
    add_times(figures, "embeddedApplyToRunning", "POST to Running, embedded API", ours.took);
    add_times(figures, "clusterApplyToRunning", "POST to Running, kube-apiserver", theirs.took);
    add_times(figures, "clusterRuntimeAlone", "the runtime alone in the same run", runtimes);
}

struct Requests {
    double writes = 0;
    double reads = 0;
};

// What cloudcore has asked so far.
Requests requests(const test::Cluster& cluster) {
    static const std::set<std::string, std::less<>> kReads = {"get", "list", "watch"};
    Requests counted;
    std::ifstream log(cluster.audit_log());
    for (std::string line; std::getline(log, line);) {
        const auto entry = json::Value::parse(line);
        if (!entry || !entry->text_at({"userAgent"}).starts_with("cloudcore/")) continue;
        // A watch is told at its beginning and at its end.
        if (entry->text_at({"stage"}) != "ResponseComplete") continue;
        const bool is_read = kReads.contains(entry->text_at({"verb"}));
        (is_read ? counted.reads : counted.writes) += 1;
    }
    return counted;
}

void add_rest(std::vector<Figure>& figures, const test::Cluster& cluster, Stage& beside) {
    beside.remove_pods();
    beside.run_pods("resting", kPodsAtRest);
    let_pass(30s, "the pods settle");
    const Requests before = requests(cluster);
    let_pass(kRest, "at rest beside a cluster");
    const Requests after = requests(cluster);
    const double per_hour = std::chrono::duration<double>(1h) / kRest;
    figures.push_back({
        .key = "apiWritesPerNodeHour",
        .what = "writes to the API server, one machine with 10 pods at rest",
        .value = (after.writes - before.writes) * per_hour,
        .unit = "per hour",
        .below = {},
    });
    figures.push_back({
        .key = "apiReadsPerHour",
        .what = "reads from the API server at rest, watches included",
        .value = (after.reads - before.reads) * per_hour,
        .unit = "per hour",
        .below = {},
    });
}

}  // namespace

std::vector<Figure> measure_cluster() {
    std::vector<Figure> figures;
    const test::TempDir folder;
    test::ClusterOptions options;
    options.folder = folder.path();
    test::Cluster cluster(options);
    say("bringing up a control plane");
    cluster.start();
    Stage embedded;
    Stage beside(cluster.admin_kubeconfig());
    add_pods(figures, embedded, beside);
    add_rest(figures, cluster, beside);
    return figures;
}

}  // namespace farhold::bench
