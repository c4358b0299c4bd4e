// SPDX-License-Identifier: Apache-2.0
#include "common/metrics/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

namespace farhold::metrics {

namespace {

// Of /proc/self/stat, numbered as proc(5) does.
enum Field : std::uint8_t {
    kUserTicks = 14,
    kSystemTicks = 15,
    kThreads = 20,
    kStart = 22,
    kRss = 24
};

struct Stat {
    double fields[kRss + 1] = {};
};

std::optional<Stat> read_stat() {
    std::ifstream file("/proc/self/stat");
    std::string line;
    if (!std::getline(file, line)) return std::nullopt;
    // The second field is the program's name in brackets and may hold anything.
    const std::size_t end_of_name = line.rfind(')');
    if (end_of_name == std::string::npos) return std::nullopt;
    std::istringstream rest(line.substr(end_of_name + 1));
    std::string state;
    rest >> state;
    Stat stat;
    for (std::size_t field = 4; field <= kRss; ++field) rest >> stat.fields[field];
    return rest ? std::optional(stat) : std::nullopt;
}

// Seconds since 1970.
std::optional<double> boot_time() {
    std::ifstream file("/proc/stat");
    std::string key;
    while (file >> key) {
        double value = 0;
        if (key == "btime" && file >> value) return value;
        file.ignore(1 << 20, '\n');
    }
    return std::nullopt;
}

std::optional<double> open_files() {
    std::error_code error;
    std::filesystem::directory_iterator entry("/proc/self/fd", error);
    if (error) return std::nullopt;
    double count = -1;  // The one that lists is none of ours.
    for (; entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        if (error) return std::nullopt;
        ++count;
    }
    return count;
}

}  // namespace

void collect_process(Samples& samples) {
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    Family& memory =
        samples.gauge("process_resident_memory_bytes", "Memory of this process that is in RAM.");
    Family& threads = samples.gauge("process_threads", "Threads of this process.");
    Family& cpu =
        samples.counter("process_cpu_seconds_total", "Time on a processor, user and system.");
    Family& start =
        samples.gauge("process_start_time_seconds", "When the process started, since 1970.");
    if (const auto stat = read_stat()) {
        memory.add(stat->fields[kRss] * page);
        threads.add(stat->fields[kThreads]);
        cpu.add((stat->fields[kUserTicks] + stat->fields[kSystemTicks]) / ticks);
        if (const auto boot = boot_time()) start.add(*boot + stat->fields[kStart] / ticks);
    }
    Family& files = samples.gauge("process_open_fds", "Open file descriptors.");
    if (const auto count = open_files()) files.add(*count);
    Family& limit = samples.gauge("process_max_fds", "Most file descriptors that may be open.");
    rlimit most{};
    if (::getrlimit(RLIMIT_NOFILE, &most) == 0) limit.add(static_cast<double>(most.rlim_cur));
}

}  // namespace farhold::metrics
