// SPDX-License-Identifier: Apache-2.0
#include "edgecore/node/machine_facts.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <string_view>

namespace farhold::node {

namespace {

std::string first_line(const char* path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::int64_t to_integer(std::string_view text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string os_image() {
    std::ifstream file("/etc/os-release");
    constexpr std::string_view key = "PRETTY_NAME=";
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(key)) continue;
        std::string value = line.substr(key.size());
        std::erase(value, '"');
        return value;
    }
    return "Linux";
}

void read_memory(MachineFacts& facts) {
    std::ifstream file("/proc/meminfo");
    for (std::string line; std::getline(file, line);) {
        const auto colon = line.find(':');
        if (colon == std::string::npos) continue;
        const auto digits = line.find_first_of("0123456789", colon);
        if (digits == std::string::npos) continue;
        const std::int64_t bytes = to_integer(std::string_view(line).substr(digits)) * 1024;
        if (line.starts_with("MemTotal:")) facts.memory_bytes = bytes;
        if (line.starts_with("MemAvailable:")) facts.memory_available_bytes = bytes;
    }
}

void read_disk(MachineFacts& facts, const std::string& data_dir) {
    struct statvfs disk{};
    if (::statvfs(data_dir.c_str(), &disk) != 0) return;
    const auto block = static_cast<std::int64_t>(disk.f_frsize);
    facts.disk_bytes = static_cast<std::int64_t>(disk.f_blocks) * block;
    facts.disk_available_bytes = static_cast<std::int64_t>(disk.f_bavail) * block;
    facts.inodes = static_cast<std::int64_t>(disk.f_files);
    facts.inodes_available = static_cast<std::int64_t>(disk.f_favail);
}

std::string kubernetes_architecture(std::string_view machine) {
    if (machine == "x86_64") return "amd64";
    if (machine == "aarch64") return "arm64";
    if (machine.starts_with("armv")) return "arm";
    return std::string(machine);
}

// The source address that the kernel would use for the world outside. Nothing is sent: connecting a
// datagram socket only looks at the routes. 192.0.2.1 is an address for documentation (RFC 5737).
std::string default_address() {
    const int probe = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return {};
    sockaddr_in target{};
    target.sin_family = AF_INET;
    target.sin_port = htons(9);
    ::inet_pton(AF_INET, "192.0.2.1", &target.sin_addr);
    std::string found;
    sockaddr_in own{};
    socklen_t length = sizeof(own);
    if (::connect(probe, reinterpret_cast<const sockaddr*>(&target), sizeof(target)) == 0 &&
        ::getsockname(probe, reinterpret_cast<sockaddr*>(&own), &length) == 0) {
        std::array<char, INET_ADDRSTRLEN> text{};
        if (::inet_ntop(AF_INET, &own.sin_addr, text.data(), text.size()) != nullptr) {
            found = text.data();
        }
    }
    ::close(probe);
    return found;
}

// Without a route to the world the first interface that is up has to do.
std::string any_address() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return {};
    std::string found;
    for (const ifaddrs* one = list; one != nullptr && found.empty(); one = one->ifa_next) {
        if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
        if ((one->ifa_flags & IFF_UP) == 0U || (one->ifa_flags & IFF_LOOPBACK) != 0U) continue;
        const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
        std::array<char, INET_ADDRSTRLEN> text{};
        if (::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size()) != nullptr) {
            found = text.data();
        }
    }
    ::freeifaddrs(list);
    return found;
}

}  // namespace

std::string read_boot_id() {
    return first_line("/proc/sys/kernel/random/boot_id");
}

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return {};
    return name.data();
}

MachineFacts read_machine_facts(const std::string& data_dir) {
    MachineFacts facts;
    facts.hostname = host_name();
    facts.machine_id = first_line("/etc/machine-id");
    facts.system_uuid = first_line("/sys/class/dmi/id/product_uuid");
    if (facts.system_uuid.empty()) facts.system_uuid = facts.machine_id;
    facts.boot_id = read_boot_id();
    facts.os_image = os_image();
    utsname names{};
    if (::uname(&names) == 0) {
        facts.kernel_version = names.release;
        facts.architecture = kubernetes_architecture(names.machine);
    }
    facts.cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
    read_memory(facts);
    read_disk(facts, data_dir);
    facts.pids_max = to_integer(first_line("/proc/sys/kernel/pid_max"));
    struct sysinfo system{};
    if (::sysinfo(&system) == 0) facts.pids_used = system.procs;
    std::string address = default_address();
    if (address.empty()) address = any_address();
    if (!address.empty()) facts.addresses.push_back(std::move(address));
    return facts;
}

}  // namespace farhold::node
