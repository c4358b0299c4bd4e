// SPDX-License-Identifier: Apache-2.0
//
// Objects written by many clients at once, each on a connection of its own. Errors are thrown.
#pragma once

#include "api_connection.hpp"
#include "common/base/time.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace farhold::bench {

Task<> post(ApiConnection& connection, std::string target, std::string body);

using Connections = std::vector<std::unique_ptr<ApiConnection>>;
// One after the other: a server takes only so many handshakes of one address at a time.
Task<> open_connections(ApiAccess access, int count, Connections& connections);

struct Load {
    std::string collection;
    std::function<std::string(int number)> object;
    int count = 0;  // How many there are to be; 0: as many as fit into the time.
    Duration time = {};
    int made = 0;
    std::vector<double> latencies;  // In milliseconds.
};
// Seconds that it took.
double run_load(const ApiAccess& access, int clients, Load& load);

// Two kilobytes, as pods are.
struct IdlePod {
    std::string name;
    std::string node;        // Empty: nobody schedules it.
    std::string config_map;  // Mounted, unless empty.
};
std::string idle_pod(const IdlePod& pod);

}  // namespace farhold::bench
