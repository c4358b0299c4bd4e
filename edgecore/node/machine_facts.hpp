// SPDX-License-Identifier: Apache-2.0
//
// What this machine is and how it fares, read from the kernel. Blocking but quick (a few small files
// below /proc and /sys); called on the loop every few seconds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace farhold::node {

struct MachineFacts {
    std::string hostname;
    std::string machine_id;
    std::string system_uuid;
    std::string boot_id;
    std::string kernel_version;
    std::string os_image;
    std::string architecture;  // As Kubernetes names it: amd64, arm64.

    std::int64_t cpus = 0;
    std::int64_t memory_bytes = 0;
    std::int64_t memory_available_bytes = 0;
    std::int64_t disk_bytes = 0;  // Of the file system that holds the data folder.
    std::int64_t disk_available_bytes = 0;
    std::int64_t inodes = 0;
    std::int64_t inodes_available = 0;
    std::int64_t pids_max = 0;
    std::int64_t pids_used = 0;

    std::vector<std::string> addresses;  // Of interfaces that are up, the one to the hub first.
};

// What cannot be read stays empty or 0.
MachineFacts read_machine_facts(const std::string& data_dir);

// The kernel's id of this boot.
std::string read_boot_id();

std::string host_name();

}  // namespace farhold::node
