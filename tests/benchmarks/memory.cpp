// SPDX-License-Identifier: Apache-2.0
//
// What cloudcore takes beside a cluster of many objects. The machines are Nodes only, none connects.
#include "api_load.hpp"
#include "benchmarks.hpp"
#include "process_figures.hpp"
#include "progress.hpp"
#include "tests/support/rig/cloud.hpp"
#include "tests/support/rig/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace farhold::bench {

namespace {

using namespace std::chrono_literals;

constexpr int kClients = 16;
constexpr int kMachines = 1000;
constexpr int kPods = 10'000;
constexpr auto kSettle = 10s;

const std::string kNamespace = "/api/v1/namespaces/default/";

std::string config_map(const std::string& name) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}"}},"data":{{"text":"{}"}}}})",
        name, std::string(1000, 'x')
    );
}

void write_all(
    const ApiAccess& access, const std::string& collection, int count,
    std::function<std::string(int)> object
) {
    Load load{.collection = collection, .object = std::move(object), .count = count};
    run_load(access, kClients, load);
}

// Half of what the cluster has in the end, and nothing of it a machine's.
void fill_with_others(const ApiAccess& access) {
    write_all(access, "/api/v1/nodes", kMachines, [](int number) {
        return fmt::format(R"({{"metadata":{{"name":"other-{}"}}}})", number);
    });
    write_all(access, kNamespace + "configmaps", kPods, [](int number) {
        return config_map(fmt::format("other-{}", number));
    });
    write_all(access, kNamespace + "pods", kPods, [](int number) {
        const std::string name = fmt::format("other-{}", number);
        return idle_pod({.name = name, .node = fmt::format("other-{}", number % kMachines + 1)});
    });
}

// Ten pods a machine, each with a ConfigMap of its own.
void fill_with_machines(const ApiAccess& access) {
    write_all(access, "/api/v1/nodes", kMachines, [](int number) {
        return fmt::format(
            R"({{"metadata":{{"name":"machine-{}",)"
            R"("annotations":{{"farhold.io/machine-key":"{:064}"}}}}}})",
            number, number
        );
    });
    write_all(access, kNamespace + "configmaps", kPods, [](int number) {
        return config_map(fmt::format("config-{}", number));
    });
    write_all(access, kNamespace + "pods", kPods, [](int number) {
        return idle_pod(
            {.name = fmt::format("pod-{}", number),
             .node = fmt::format("machine-{}", number % kMachines + 1),
             .config_map = fmt::format("config-{}", number)}
        );
    });
}

// Started anew beside that API, until it knows all of it and has come to rest.
void measure_beside(
    std::vector<Figure>& figures, test::Cloud& cloud, int fetches, const std::string& key,
    const std::string& what
) {
    const Stopwatch watch;
    cloud.start();
    test::wait_until("cloudcore knows the cluster", 120s, [&] {
        const std::string metrics = cloud.metrics();
        const std::string arrived =
            fmt::format("farhold_hub_object_fetches_total{{outcome=\"arrived\"}} {}\n", fetches);
        return metrics.contains(arrived) && cloud.log().contains("cluster known");
    });
    const double seconds = watch.milliseconds() / 1000;
    let_pass(kSettle, "until it is at rest");
    const ProcessFigures seen = measure_processes(cloud.process().pid());
    cloud.stop();
    figures.push_back({
        .key = "cloudcore" + key + "RssKb",
        .what = "cloudcore RSS beside a cluster, " + what,
        .value = seen.rss_kb,
        .unit = "kB",
        .below = {},
    });
    figures.push_back({
        .key = "cloudcore" + key + "PeakRssKb",
        .what = "  the most that it had",
        .value = seen.peak_rss_kb,
        .unit = "kB",
        .below = {},
    });
    figures.push_back({
        .key = "cloudcore" + key + "StartSeconds",
        .what = "  from its start until it knows all",
        .value = seconds,
        .unit = "s",
        .below = {},
    });
}

}  // namespace

std::vector<Figure> measure_memory() {
    std::vector<Figure> figures;
    const test::TempDir folder;
    test::CloudOptions api_options;
    api_options.folder = folder.path() + "/api";
    test::Cloud api(api_options);
    api.start();
    // The hub that this API has of itself is not one of a cluster's.
    api.kubectl({"delete", "configmap", "-n", "kube-system", "farhold-hub"});
    const ApiAccess access = api_access(api.kubeconfig());
    test::CloudOptions options;
    options.folder = folder.path() + "/cloud";
    options.cluster_kubeconfig = api.kubeconfig();
    test::Cloud cloud(options);
    say(fmt::format("{} Nodes, {} ConfigMaps and {} pods of no machine", kMachines, kPods, kPods));
    fill_with_others(access);
    measure_beside(figures, cloud, 0, "Others", "10,000 pods and ConfigMaps of no machine");
    say(fmt::format("{} machines, {} ConfigMaps and {} pods", kMachines, kPods, kPods));
    fill_with_machines(access);
    // Each ConfigMap and the one ServiceAccount.
    measure_beside(
        figures, cloud, kPods + 1, "", "and 1,000 machines with 10,000 pods and a ConfigMap each"
    );
    return figures;
}

}  // namespace farhold::bench
