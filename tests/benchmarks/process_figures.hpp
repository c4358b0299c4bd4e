// SPDX-License-Identifier: Apache-2.0
//
// What the kernel counts of a program: memory, threads, CPU, disk, and its connection to the hub.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace farhold::bench {

struct ProcessFigures {
    double rss_kb = 0;
    double pss_kb = 0;
    double peak_rss_kb = 0;  // Each process's own peak, added up.
    int threads = 0;
    double cpu_seconds = 0;    // Since each of its processes began.
    double written_bytes = 0;  // Sent towards a disk; a folder in memory counts nothing.
};

// The process and all that descend from it, added up.
ProcessFigures measure_processes(::pid_t pid);

struct LinkTraffic {
    std::string local;         // HOST:PORT: another one is another connection.
    double payload_bytes = 0;  // Carried by TCP, both ways: TLS records and all within them.
    double packets = 0;        // Both ways, acknowledgements included.
    double header_bytes_each = 0;

    double bytes() const { return payload_bytes + packets * header_bytes_each; }
};

// Of the one connection to that port, as the kernel counts it at the machine's end. A packet's
// headers are Ethernet's (14 bytes), IPv4's (20) and TCP's (20, and 12 for timestamps).
LinkTraffic measure_link(int hub_port);

// Whether files there are kept in memory only.
bool is_in_memory(const std::string& folder);

}  // namespace farhold::bench
