// SPDX-License-Identifier: Apache-2.0
//
// The embedded Kubernetes API under load, without machines. The load is made in this process, on
// the same cores.
#include "api_connection.hpp"
#include "api_load.hpp"
#include "api_session.hpp"
#include "benchmarks.hpp"
#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "progress.hpp"
#include "tests/support/rig/cloud.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace farhold::bench {

namespace {

using namespace std::chrono_literals;

const std::string kConfigMaps = "/api/v1/namespaces/default/configmaps";
const std::string kPodList = "/api/v1/namespaces/default/pods";
constexpr auto kWriting = 8s;
constexpr int kPodsListed = 10'000;
constexpr int kLists = 5;
constexpr int kWatches = 1000;
constexpr int kWatchedWrites = 50;
constexpr int kWatchedBurst = 100;
constexpr int kWriters = 16;

std::string config_map(const std::string& name) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}"}},"data":{{"text":"{}"}}}})",
        name, std::string(1000, 'x')
    );
}

void add_writes(std::vector<Figure>& figures, const ApiAccess& access) {
    for (const int clients : {1, 16, 64}) {
        say(fmt::format("durable writes, {} clients", clients));
        Load load{.collection = kConfigMaps, .time = kWriting};
        load.object = [clients](int number) {
            return config_map(fmt::format("written-by-{}-{}", clients, number));
        };
        const double seconds = run_load(access, clients, load);
        figures.push_back({
            .key = fmt::format("apiDurableWritesPerSecond{}Clients", clients),
            .what = fmt::format("durable writes, {} client{}", clients, clients == 1 ? "" : "s"),
            .value = static_cast<double>(load.latencies.size()) / seconds,
            .unit = "/s",
            .below = {},
        });
        figures.push_back({
            .key = fmt::format("apiDurableWriteP99Ms{}Clients", clients),
            .what = "  p99 of one",
            .value = percentile(load.latencies, 99),
            .unit = "ms",
            .below = {},
        });
    }
}

Task<> list_pods(ApiAccess access, std::vector<double>& times, double& bytes) {
    const auto connection = co_await ApiConnection::open(std::move(access));
    for (int round = 0; round < kLists; ++round) {
        const Stopwatch watch;
        const ApiAnswer answer = co_await connection->ask("GET", kPodList);
        if (answer.status != 200) throw std::runtime_error("the list was refused");
        times.push_back(watch.milliseconds());
        bytes = static_cast<double>(answer.body.size());
    }
}

void add_list(std::vector<Figure>& figures, const ApiAccess& access) {
    say(fmt::format("making {} pods", kPodsListed));
    Load load{.collection = kPodList, .count = kPodsListed};
    load.object = [](int number) { return idle_pod({.name = fmt::format("listed-{}", number)}); };
    run_load(access, 64, load);
    say(fmt::format("listing them {} times", kLists));
    std::vector<double> times;
    double bytes = 0;
    boost::asio::io_context loop(1);
    run_on(loop, list_pods(access, times, bytes));
    figures.push_back({
        .key = "apiList10000PodsMs",
        .what = "list of 10,000 pods, whole answer received, median of 5",
        .value = median(times),
        .unit = "ms",
        .below = {},
    });
    figures.push_back({
        .key = "apiList10000PodsMb",
        .what = "  its length",
        .value = bytes / 1e6,
        .unit = "MB",
        .below = {},
    });
}

// Many watches of one collection. Events are counted, and the last of each write is timed.
class FanOut {
public:
    FanOut(ApiAccess access, Executor executor)
        : access_(std::move(access)), group_(executor), progress_(executor) {}

    Task<> run(std::vector<Figure>& figures);

private:
    Task<> watch(ApiConnection& connection);
    Task<> write(ApiConnection& connection, int& waiting);
    Task<> wait_for(std::size_t events);

    ApiAccess access_;
    TaskGroup group_;
    Event progress_;
    std::size_t events_ = 0;
    bool over_ = false;  // All is measured; the watches are being closed.
};

Task<> FanOut::watch(ApiConnection& connection) {
    try {
        while (co_await connection.next_event()) {
            ++events_;
            progress_.set();
        }
        throw std::runtime_error("a watch has ended");
    } catch (const std::runtime_error&) {
        if (!over_) throw;
    }
}

Task<> FanOut::wait_for(std::size_t events) {
    while (events_ < events) {
        if (!co_await progress_.wait_for(60s)) throw std::runtime_error("events are missing");
    }
}

std::string watched_config_map(const std::string& name) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}",)"
        R"("labels":{{"watched":"yes"}}}},"data":{{"text":"{}"}}}})",
        name, std::string(200, 'x')
    );
}

Task<> FanOut::write(ApiConnection& connection, int& waiting) {
    while (waiting > 0) {
        const std::string name = fmt::format("burst-{}", waiting--);
        co_await post(connection, kConfigMaps, watched_config_map(name));
    }
}

Task<> FanOut::run(std::vector<Figure>& figures) {
    say(fmt::format("opening {} watches", kWatches));
    Connections watches;
    // Each asks at once: a connection on which nothing is asked does not stay open for long.
    for (int number = 0; number < kWatches; ++number) {
        co_await open_connections(access_, 1, watches);
        ApiConnection& connection = *watches.back();
        co_await connection.begin_watch(kConfigMaps + "?watch=true&labelSelector=watched%3Dyes");
        group_.spawn(watch(connection));
    }
    say(fmt::format(
        "{} writes, each awaited by all, then {} at once", kWatchedWrites, kWatchedBurst
    ));
    Connections writers;
    co_await open_connections(access_, kWriters, writers);
    std::vector<double> times;
    for (int number = 1; number <= kWatchedWrites; ++number) {
        const Stopwatch watch;
        const std::string name = fmt::format("watched-{}", number);
        co_await post(*writers.front(), kConfigMaps, watched_config_map(name));
        co_await wait_for(static_cast<std::size_t>(number) * kWatches);
        times.push_back(watch.milliseconds());
    }
    const Stopwatch watch;
    int waiting = kWatchedBurst;
    TaskGroup burst(co_await this_executor);
    for (const auto& connection : writers) burst.spawn(write(*connection, waiting));
    co_await burst.join();
    co_await wait_for(std::size_t{kWatchedWrites + kWatchedBurst} * kWatches);
    const double seconds = watch.milliseconds() / 1000;
    figures.push_back({
        .key = "apiWatchFanOut1000P50Ms",
        .what = "a write until all of 1,000 watches have it, p50 of 50",
        .value = percentile(times, 50),
        .unit = "ms",
        .below = {},
    });
    figures.push_back({
        .key = "apiWatchFanOut1000P99Ms",
        .what = "  p99",
        .value = percentile(times, 99),
        .unit = "ms",
        .below = {},
    });
    figures.push_back({
        .key = "apiWatchEventsPerSecond",
        .what = "events delivered, 100 writes at once to 1,000 watches",
        .value = double{kWatchedBurst} * kWatches / seconds,
        .unit = "/s",
        .below = {},
    });
    over_ = true;
    group_.cancel();
    co_await group_.join();
}

void add_fan_out(std::vector<Figure>& figures, const ApiAccess& access) {
    boost::asio::io_context loop(1);
    FanOut fan_out(access, loop.get_executor());
    run_on(loop, fan_out.run(figures));
}

}  // namespace

std::vector<Figure> measure_api() {
    std::vector<Figure> figures;
    const test::TempDir folder;
    test::CloudOptions options;
    options.folder = folder.path();
    test::Cloud cloud(options);
    cloud.start();
    const ApiAccess access = api_access(cloud.data_dir() + "/admin.kubeconfig");
    // First, while there are few objects: each of these watches begins with a look at all of them.
    add_fan_out(figures, access);
    add_writes(figures, access);
    add_list(figures, access);
    return figures;
}

}  // namespace farhold::bench
