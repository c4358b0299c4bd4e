// SPDX-License-Identifier: Apache-2.0
//
// What the programs take: on disk, in memory, and at rest.
#include "benchmarks.hpp"
#include "process_figures.hpp"
#include "progress.hpp"
#include "stage.hpp"
#include "tests/support/rig/process.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace farhold::bench {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Long enough for one whole report of the node's status, which comes every five minutes.
constexpr auto kRest = 300s;
constexpr auto kSettle = 15s;

double stripped_kb(const std::string& name, const std::string& folder) {
    const std::string copy = folder + "/" + name + ".stripped";
    test::run({"strip", "-o", copy, test::program(name)});
    const auto bytes = static_cast<double>(fs::file_size(copy));
    fs::remove(copy);
    return bytes / 1000;
}

void add_memory(
    std::vector<Figure>& figures, const std::string& key, const std::string& when,
    const ProcessFigures& seen, bool has_aim
) {
    using Aim = std::optional<double>;
    figures.push_back({
        .key = key + "RssKb",
        .what = "edgecore RSS, " + when,
        .value = seen.rss_kb,
        .unit = "kB",
        .below = has_aim ? Aim(20'000) : std::nullopt,
    });
    figures.push_back({
        .key = key + "PssKb",
        .what = "edgecore PSS (all its processes), " + when,
        .value = seen.pss_kb,
        .unit = "kB",
        .below = has_aim ? Aim(16'000) : std::nullopt,
    });
    figures.push_back({
        .key = key + "Threads",
        .what = "edgecore threads, " + when,
        .value = static_cast<double>(seen.threads),
        .unit = "",
        .below = {},
    });
}

// Nobody asks for anything; the pods sleep.
void add_rest(std::vector<Figure>& figures, Stage& stage) {
    const ::pid_t pid = stage.machine.process().pid();
    const int port = stage.cloud.hub_port();
    const ProcessFigures before = measure_processes(pid);
    const LinkTraffic link_before = measure_link(port);
    const Stopwatch watch;
    let_pass(kRest, "at rest with 10 pods");
    const double minutes = watch.milliseconds() / 60'000;
    const ProcessFigures after = measure_processes(pid);
    const LinkTraffic link = measure_link(port);
    if (link.local != link_before.local) {
        throw std::runtime_error("the link was lost during the rest: measure again");
    }
    figures.push_back({
        .key = "edgecoreRestCpuPercent",
        .what = "edgecore CPU at rest, 10 pods",
        .value = (after.cpu_seconds - before.cpu_seconds) / (minutes * 60) * 100,
        .unit = "% core",
        .below = 0.2,
    });
    figures.push_back({
        .key = "idleLinkBytesPerMinute",
        .what = "link at rest, both ways, with TLS, TCP, IP and Ethernet headers",
        .value = (link.bytes() - link_before.bytes()) / minutes,
        .unit = "B/min",
        .below = 1000,
    });
    figures.push_back({
        .key = "idleLinkPayloadBytesPerMinute",
        .what = "  of it carried by TCP (TLS records and all within)",
        .value = (link.payload_bytes - link_before.payload_bytes) / minutes,
        .unit = "B/min",
        .below = {},
    });
    figures.push_back({
        .key = "idleLinkPacketsPerMinute",
        .what = "  packets, acknowledgements included",
        .value = (link.packets - link_before.packets) / minutes,
        .unit = "/min",
        .below = {},
    });
    if (is_in_memory(stage.runtime.folder())) {
        say("disk at rest is not measured: the temporary folder is in memory; set TMPDIR");
        return;
    }
    figures.push_back({
        .key = "idleDiskBytesPerHour",
        .what = fmt::format(
            "edgecore writes to disk at rest ({} s extrapolated)",
            std::chrono::seconds(kRest).count()
        ),
        .value = (after.written_bytes - before.written_bytes) / minutes * 60,
        .unit = "B/h",
        .below = 200'000,
    });
}

}  // namespace

std::vector<Figure> measure_footprint() {
    std::vector<Figure> figures;
    Stage stage;
    for (const std::string name : {"edgecore", "cloudcore"}) {
        figures.push_back({
            .key = name + "StrippedKb",
            .what = name + ", stripped program",
            .value = stripped_kb(name, stage.runtime.folder()),
            .unit = "kB",
            .below = {},
        });
    }
    const ::pid_t edgecore = stage.machine.process().pid();
    let_pass(kSettle, "settling without pods");
    add_memory(figures, "edgecoreIdle", "no pods", measure_processes(edgecore), false);
    stage.run_pods("ten", 10);
    let_pass(kSettle, "settling with 10 pods");
    add_rest(figures, stage);
    add_memory(figures, "edgecore", "10 pods", measure_processes(edgecore), true);
    stage.run_pods("forty", 40);
    let_pass(kSettle, "settling with 50 pods");
    add_memory(figures, "edgecore50Pods", "50 pods", measure_processes(edgecore), false);
    const ProcessFigures cloudcore = measure_processes(stage.cloud.process().pid());
    figures.push_back({
        .key = "cloudcoreRssKb",
        .what = "cloudcore RSS, one machine, 50 pods",
        .value = cloudcore.rss_kb,
        .unit = "kB",
        .below = {},
    });
    return figures;
}

}  // namespace farhold::bench
