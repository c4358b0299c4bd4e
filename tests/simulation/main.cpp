// SPDX-License-Identifier: Apache-2.0
//
// farhold_simulation: runs the deterministic simulation.
#include "runs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace {

using farhold::simulation::Outcome;
using farhold::simulation::run_seed;

constexpr std::string_view kUsage = R"(usage: farhold_simulation MODE
  --seeds A..B           run these seeds, stop at the first that fails
  --seed N [--trace]     run one seed again, with everything that happens
  --determinism A..B     run each seed twice and compare what happened
  --years N              one machine without a hub for so long, rebooted every week
  --regressions FILE     run the seeds in the file, one a line
)";

volatile std::sig_atomic_t running_seed = 0;

// A broken invariant inside the programs ends the process; the seed must not be lost with it.
void on_abort(int /*signal*/) {
    const auto line = fmt::format(
        "FAILED seed={0}: an internal invariant broke\n"
        "replay: farhold_simulation --seed {0} --trace\n",
        static_cast<long>(running_seed)
    );
    static_cast<void>(!::write(STDOUT_FILENO, line.data(), line.size()));
    std::_Exit(1);
}

struct Range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

std::optional<Range> parse_range(std::string_view text) {
    const std::size_t dots = text.find("..");
    if (dots == std::string_view::npos) {
        return std::nullopt;
    }
    const auto first = parse_number(text.substr(0, dots));
    const auto last = parse_number(text.substr(dots + 2));
    if (!first || !last || *first > *last) {
        return std::nullopt;
    }
    return Range{*first, *last};
}

Outcome run(std::uint64_t seed, bool print) {
    running_seed = static_cast<std::sig_atomic_t>(seed);
    return run_seed(seed, print);
}

bool report(std::uint64_t seed, const Outcome& outcome) {
    if (outcome.violation) {
        fmt::print(
            "FAILED seed={0} invariant={1}: {2}\nreplay: farhold_simulation --seed {0} --trace\n",
            seed, outcome.violation->invariant, outcome.violation->text
        );
    }
    return !outcome.violation;
}

int run_range(Range range) {
    for (std::uint64_t seed = range.first; seed <= range.last; ++seed) {
        if (!report(seed, run(seed, false))) {
            return 1;
        }
    }
    fmt::print("{} seeds passed\n", range.last - range.first + 1);
    return 0;
}

int run_twice(Range range) {
    for (std::uint64_t seed = range.first; seed <= range.last; ++seed) {
        if (run(seed, false).trace_hash != run(seed, false).trace_hash) {
            fmt::print("FAILED seed={}: two runs differ\n", seed);
            return 1;
        }
    }
    fmt::print("{} seeds ran the same way twice\n", range.last - range.first + 1);
    return 0;
}

int run_file(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        fmt::print(stderr, "cannot read {}\n", path);
        return 2;
    }
    int count = 0;
    for (std::string line; std::getline(file, line);) {
        const auto seed = parse_number(std::string_view(line).substr(0, line.find(' ')));
        if (!seed) {
            continue;  // A comment.
        }
        ++count;
        if (!report(*seed, run(*seed, false))) {
            return 1;
        }
    }
    fmt::print("{} seeds of {} passed\n", count, path);
    return 0;
}

int run_one(std::uint64_t seed, bool print) {
    const Outcome outcome = run(seed, print);
    fmt::print(
        "seed={} hash={:016x} {}\n", seed, outcome.trace_hash,
        outcome.violation ? "failed" : "passed"
    );
    return report(seed, outcome) ? 0 : 1;
}

int run_mode(std::string_view mode, std::string_view argument, bool trace) {
    if (mode == "--regressions") {
        return run_file(std::string(argument));
    }
    const auto range = parse_range(argument);
    const auto number = parse_number(argument);
    if (mode == "--seeds" && range) {
        return run_range(*range);
    }
    if (mode == "--determinism" && range) {
        return run_twice(*range);
    }
    if (mode == "--seed" && number) {
        return run_one(*number, trace);
    }
    if (mode == "--years" && number && *number <= 1000) {
        const auto years = static_cast<int>(*number);
        const bool passed = report(1, farhold::simulation::run_years(1, years, trace));
        fmt::print("{} years {}\n", years, passed ? "passed" : "failed");
        return passed ? 0 : 1;
    }
    fmt::print(stderr, "{}", kUsage);
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGABRT, on_abort);
    if (argc < 3) {
        fmt::print(stderr, "{}", kUsage);
        return 2;
    }
    const bool trace = argc == 4 && std::string_view(argv[3]) == "--trace";
    return run_mode(argv[1], argv[2], trace);
}
