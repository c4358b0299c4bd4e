// SPDX-License-Identifier: Apache-2.0
#include "benchmarks.hpp"
#include "progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace farhold::bench;

struct Benchmark {
    std::string_view name;
    std::vector<Figure> (*measure)();
    std::string_view what;
};

constexpr Benchmark kBenchmarks[] = {
    {"footprint", measure_footprint, "sizes, memory, threads; CPU, link and disk at rest (7 min)"},
    {"startup", measure_startup, "pods, one and forty; adoption; reboot without a link (3 min)"},
    {"link", measure_link, "cuts, restarts of cloudcore, heartbeats under load (6 min)"},
    {"api", measure_api, "the embedded API: durable writes, a long list, many watches (2 min)"},
    {"cluster", measure_cluster, "pods through a real API server; what it is asked at rest (8 min)"
    },
    {"memory", measure_memory, "cloudcore beside a cluster of many objects (2 min)"},
};

int usage() {
    std::fputs("usage: farhold_bench [NAME...], without names all of:\n", stderr);
    for (const Benchmark& one : kBenchmarks) {
        std::fputs(fmt::format("  {:<10} {}\n", one.name, one.what).c_str(), stderr);
    }
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<Benchmark> chosen;
    for (const std::string_view name : std::vector<std::string_view>(argv + 1, argv + argc)) {
        const auto* known = std::ranges::find(kBenchmarks, name, &Benchmark::name);
        if (known == std::end(kBenchmarks)) return usage();
        chosen.push_back(*known);
    }
    if (chosen.empty()) chosen.assign(std::begin(kBenchmarks), std::end(kBenchmarks));
    end_on_signals();
    Figures all;
    for (const Benchmark& benchmark : chosen) {
        say(fmt::format("{}: {}", benchmark.name, benchmark.what));
        try {
            Figures figures;
            figures.add(benchmark.measure());
            std::fputs(fmt::format("\n{}\n{}\n", benchmark.name, figures.table()).c_str(), stdout);
            std::fflush(stdout);
            all.add(figures);
        } catch (const std::exception& error) {
            std::fputs(fmt::format("{}: {}\n", benchmark.name, error.what()).c_str(), stderr);
            return 1;
        }
    }
    std::fputs((all.json() + "\n").c_str(), stdout);
    return 0;
}
