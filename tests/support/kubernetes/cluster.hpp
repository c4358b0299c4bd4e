// SPDX-License-Identifier: Apache-2.0
//
// A real control plane on loopback: etcd, kube-apiserver with RBAC and certificates,
// kube-controller-manager and kube-scheduler, in one folder. Its processes end with the test.
// Ports are chosen once and kept, so that a part that is started again is found again.
#pragma once

#include "common/json/value.hpp"
#include "tests/support/kubernetes/cluster_credentials.hpp"
#include "tests/support/rig/process.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace farhold::test {

struct ClusterOptions {
    std::string folder;
    bool older = false;       // Two minors older than the newest.
    bool controllers = true;  // Else etcd and the API server only.
    // Seconds after which a pod is evicted from a node that is not ready or not reachable: what
    // admission writes into every pod. Kubernetes' own default is 300.
    int eviction_seconds = 300;
    // Without a Lease renewed for so long a node is called Unknown; Kubernetes' own is 50.
    int node_grace_seconds = 50;
    std::vector<std::string> api_server_flags;
    std::vector<std::string> controller_manager_flags;
};

class Cluster {
public:
    // Ends the executable as skipped where the programs are not to be had. Starts nothing yet.
    explicit Cluster(ClusterOptions options);

    // All of it; returns when the API answers and a ServiceAccount and its rules are there.
    void start();

    void start_api_server();  // Returns when it is ready.
    void kill_api_server();   // SIGKILL.
    void signal_api_server(int number) { api_server_->signal(number); }
    // Stops everything, calls `change`, and starts everything again. What etcd holds is the folder
    // etcd_data(), which `change` may copy or put back.
    template <class Change>
    void while_stopped(Change change) {
        stop();
        change();
        start();
    }

    const std::string& programs() const { return programs_; }
    const std::string& folder() const { return options_.folder; }
    std::string etcd_data() const { return options_.folder + "/etcd"; }
    std::string audit_log() const { return options_.folder + "/audit.log"; }
    int api_port() const { return api_port_; }
    const ClusterCredentials& credentials() const { return credentials_; }

    // Of a member of system:masters.
    std::string admin_kubeconfig() const { return options_.folder + "/admin.kubeconfig"; }
    // Of a ServiceAccount, with a token of that life in a file beside it, as a Pod has it.
    struct AccountFiles {
        std::string kubeconfig;
        std::string token;
    };
    AccountFiles account(
        const std::string& name, const std::string& account_namespace,
        std::chrono::seconds life = std::chrono::hours(1)
    ) const;
    std::string new_token(
        const std::string& name, const std::string& account_namespace, std::chrono::seconds life
    ) const;

    std::string kubectl(std::vector<std::string> arguments, const std::string& input = {}) const;
    void apply(const std::string& manifest) const { kubectl({"apply", "-f", "-"}, manifest); }
    // As administrator; null when there is no such thing (404).
    json::Value get(const std::string& path) const;

private:
    void stop();
    void start_etcd();
    void start_controllers();
    std::unique_ptr<Process> launch(const std::string& program, std::vector<std::string> flags);
    std::string file(const std::string& name) const { return options_.folder + "/" + name; }

    ClusterOptions options_;
    std::string programs_;
    int etcd_port_;
    int etcd_peer_port_;
    int api_port_;
    int controller_port_;
    int scheduler_port_;
    ClusterCredentials credentials_;
    std::unique_ptr<Process> etcd_;
    std::unique_ptr<Process> api_server_;
    std::unique_ptr<Process> controller_manager_;
    std::unique_ptr<Process> scheduler_;
};

}  // namespace farhold::test
