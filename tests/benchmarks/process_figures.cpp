// SPDX-License-Identifier: Apache-2.0
#include "process_figures.hpp"

#include "tests/support/rig/cloud.hpp"
#include "tests/support/rig/process.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace farhold::bench {

namespace {

namespace fs = std::filesystem;

constexpr double kHeaders = 14 + 20 + 20;
constexpr double kTimestamps = 12;

// The number that follows the name; 0 when the name is not there.
double number_after(const std::string& text, const std::string& name) {
    const auto at = text.find(name);
    return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + name.size(), nullptr);
}

std::string read_proc(::pid_t pid, const std::string& file) {
    return test::read_text("/proc/" + std::to_string(pid) + "/" + file);
}

::pid_t parent_of(::pid_t pid) {
    const std::string stat = read_proc(pid, "stat");
    const auto name_end = stat.rfind(") ");
    return name_end == std::string::npos ? 0 : std::atoi(stat.c_str() + name_end + 4);
}

std::vector<::pid_t> with_descendants(::pid_t pid) {
    std::vector<::pid_t> family{pid};
    for (std::size_t at = 0; at < family.size(); ++at) {
        for (const auto& entry : fs::directory_iterator("/proc")) {
            const std::string name = entry.path().filename();
            if (!std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c) != 0; })) {
                continue;
            }
            const ::pid_t other = std::atoi(name.c_str());
            if (parent_of(other) == family[at]) family.push_back(other);
        }
    }
    return family;
}

// Nanoseconds on a processor stand first in schedstat, more exact than the ticks of stat.
double cpu_seconds_of(::pid_t pid) {
    double seconds = 0;
    for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
        const std::string text = test::read_text(task.path() / "schedstat");
        seconds += std::strtod(text.c_str(), nullptr) / 1e9;
    }
    return seconds;
}

}  // namespace

ProcessFigures measure_processes(::pid_t pid) {
    ProcessFigures sum;
    for (const ::pid_t one : with_descendants(pid)) {
        const std::string memory = read_proc(one, "smaps_rollup");
        sum.rss_kb += number_after(memory, "Rss:");
        sum.pss_kb += number_after(memory, "Pss:");
        const std::string status = read_proc(one, "status");
        sum.threads += static_cast<int>(number_after(status, "Threads:"));
        sum.peak_rss_kb += number_after(status, "VmHWM:");
        sum.cpu_seconds += cpu_seconds_of(one);
        sum.written_bytes += number_after(read_proc(one, "io"), "\nwrite_bytes:");
    }
    return sum;
}

LinkTraffic measure_link(int hub_port) {
    const std::string text = test::run(
        {"ss", "-Htin", "state", "established", "dport", "=", ":" + std::to_string(hub_port)}
    );
    std::istringstream words(text);
    std::string queues;
    LinkTraffic traffic;
    words >> queues >> queues >> traffic.local;
    if (traffic.local.empty()) throw std::runtime_error("the machine has no connection");
    traffic.payload_bytes =
        number_after(text, " bytes_sent:") + number_after(text, " bytes_received:");
    traffic.packets = number_after(text, " segs_out:") + number_after(text, " segs_in:");
    const bool has_timestamps = text.find(" ts ") != std::string::npos;
    traffic.header_bytes_each = kHeaders + (has_timestamps ? kTimestamps : 0);
    return traffic;
}

bool is_in_memory(const std::string& folder) {
    struct statfs info{};
    return ::statfs(folder.c_str(), &info) == 0 && info.f_type == TMPFS_MAGIC;
}

}  // namespace farhold::bench
