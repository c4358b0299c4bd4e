// SPDX-License-Identifier: Apache-2.0
//
// A cloudcore, standalone unless told otherwise, on a folder of a fault test's own. Its ports are
// chosen once and kept when it is started again. Everything that is asked of it is asked from its own
// network namespace.
#pragma once

#include "common/json/value.hpp"
#include "tests/support/rig/process.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace farhold::test {

struct CloudOptions {
    std::string folder;
    std::string data_dir;               // Default: a folder in `folder`.
    std::string address = "127.0.0.1";  // Where the hub listens, and the name in its certificate.
    std::string network_namespace;
    // Beside the cluster that this file names instead of standalone.
    std::string cluster_kubeconfig;
    std::string kubelet_address = "127.0.0.1:0";  // Beside a cluster.
    // Of the cluster's administrator, for what the test asks; empty: the same file.
    std::string admin_kubeconfig;
    std::string kubectl = "kubectl";
    std::vector<std::string> wrapper;
    std::map<std::string, std::string> environment;
    std::vector<std::string> flags;
};

class Cloud {
public:
    // Skips the test where kubectl or curl is missing. Starts nothing yet.
    explicit Cloud(CloudOptions options);

    // For the next start.
    CloudOptions& options() { return options_; }

    void start();  // Returns when it is ready.
    void start_without_waiting();
    void wait_until_ready();
    void kill();  // SIGKILL.
    void stop();  // SIGTERM; throws when it does not end well within 10 s.
    void signal(int number) { process().signal(number); }
    bool running() { return process_ && process_->alive(); }
    Process& process();

    const std::string& data_dir() const { return data_dir_; }
    std::string kubeconfig() const;  // For what the test asks.
    std::string log() const;
    std::string hub() const;  // HOST:PORT for machines.
    int hub_port() const { return hub_port_; }
    int api_port() const { return api_port_; }
    // A new join token: for any new machine, or for that node, which may exist.
    std::string token(const std::string& node = {});
    std::string metrics() const;  // Prometheus text.

    std::string kubectl(std::vector<std::string> arguments, const std::string& input = {}) const;
    void apply(const std::string& json) const { kubectl({"apply", "-f", "-"}, json); }
    // Of the API, as its administrator; null when there is no such thing (404).
    json::Value get(const std::string& path) const;
    // "Running", or empty when there is no such pod.
    std::string pod_phase(const std::string& name) const;
    bool node_ready(const std::string& name) const;

private:
    std::vector<std::string> here(std::vector<std::string> argv) const;
    std::vector<std::string> mode() const;
    CloudOptions options_;
    std::string data_dir_;
    std::string log_;
    int api_port_;
    int hub_port_;
    int health_port_;
    std::unique_ptr<Process> process_;
};

// A port on which nobody listens, below those that the kernel gives to outgoing connections: one of
// these could otherwise take it while the program that owns it is down.
int free_port();

std::string read_text(const std::string& path);

// GET as the user of that kubeconfig; null for 404, throws for any other error.
json::Value get_as(
    const std::string& kubeconfig, const std::string& path, const std::string& network_namespace
);
std::string get_text_as(
    const std::string& kubeconfig, const std::string& path, const std::string& network_namespace
);

struct PodOptions {
    std::string node;  // Empty: the scheduler chooses.
    std::string command = "exec sleep 1000000";
    int grace_seconds = 1;
};

// A pod of one container, "main", that runs the shell command.
std::string pod_manifest(const std::string& name, const PodOptions& options = {});

}  // namespace farhold::test
