// SPDX-License-Identifier: Apache-2.0
//
// One edgecore of a fault test, enrolled with a Cloud, on a container runtime of the test.
#pragma once

#include "common/json/value.hpp"
#include "tests/support/rig/cloud.hpp"
#include "tests/support/rig/process.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace farhold::test {

struct MachineOptions {
    std::string folder;
    std::string data_dir;  // Default: a folder in `folder`.
    std::string name = "edge-1";
    std::string runtime_socket;
    std::string cgroup_parent;
    std::string hub;          // HOST:PORT instead of the one that the hub names itself.
    bool takes_over = false;  // Joins with a token that is made for its node.
    std::string network_namespace;
    std::vector<std::string> wrapper;
    std::map<std::string, std::string> environment;
    std::vector<std::string> join_flags;
    std::vector<std::string> flags;
};

class Machine {
public:
    // The cloud outlives it.
    Machine(Cloud& cloud, MachineOptions options);

    // For the next start.
    MachineOptions& options() { return options_; }

    void join();   // Needs a cloud that runs.
    void start();  // Returns when it answers `edgecore status`.
    void start_without_waiting();
    void wait_until_up();
    void kill();  // SIGKILL; pods go on.
    void stop();  // SIGTERM; throws when it does not end well within 10 s.
    void signal(int number) { process().signal(number); }
    bool running() { return process_ && process_->alive(); }
    Process& process();

    json::Value status() const;  // As `edgecore status -o json` tells it; throws when it does not.
    bool connected() const;
    std::string metrics() const;  // Prometheus text.
    int local_api_port() const;
    std::string log() const;
    const std::string& name() const { return options_.name; }
    const std::string& data_dir() const { return data_dir_; }

private:
    std::vector<std::string> here(std::vector<std::string> argv) const;
    std::string config() const { return options_.folder + "/edgecore.yaml"; }
    std::string log_file() const { return options_.folder + "/edgecore.log"; }

    Cloud& cloud_;
    MachineOptions options_;
    std::string data_dir_;
    std::unique_ptr<Process> process_;
};

}  // namespace farhold::test
