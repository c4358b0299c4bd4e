// SPDX-License-Identifier: Apache-2.0
#include "tests/support/kubernetes/cluster.hpp"

#include "tests/support/rig/cloud.hpp"
#include "tests/support/skip.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

namespace farhold::test {

namespace {

using namespace std::chrono_literals;

// What the tests ask of the API server's audit: who did what, no bodies, nothing of the controllers.
constexpr std::string_view kAuditPolicy = R"(apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [system:apiserver, system:kube-scheduler, system:kube-controller-manager]
- level: None
  userGroups: ["system:serviceaccounts:kube-system"]
- level: Metadata
)";

std::string programs_folder(bool older) {
    // With the caller's PATH, since Go is seldom where Debian keeps programs.
    const char* path = std::getenv("PATH");
    std::vector<std::string> argv{
        "env", std::string("PATH=") + (path == nullptr ? "" : path), FARHOLD_KUBERNETES_BUILD,
        "--find"
    };
    if (older) argv.emplace_back("--older");
    Outcome outcome = run_to_end(argv);
    std::string& text = outcome.output;
    while (text.ends_with('\n')) text.pop_back();
    if (outcome.exit_code != 0) skip_tests(text);
    return std::move(text);
}

}  // namespace

Cluster::Cluster(ClusterOptions options)
    : options_(std::move(options)),
      programs_(programs_folder(options_.older)),
      etcd_port_(free_port()),
      etcd_peer_port_(free_port()),
      api_port_(free_port()),
      controller_port_(free_port()),
      scheduler_port_(free_port()),
      credentials_(options_.folder, fmt::format("https://127.0.0.1:{}", api_port_)) {
    need_root_and({"curl", "openssl"});
    if (options_.controllers && !std::filesystem::exists(programs_ + "/kube-controller-manager")) {
        skip_tests("there is no kube-controller-manager in " + programs_);
    }
    run({"openssl", "pkey", "-in", file("accounts.key"), "-pubout", "-out", file("accounts.pub")});
    write_file(file("audit.yaml"), std::string(kAuditPolicy));
    credentials_.kubeconfig("admin", credentials_.user("admin", {"system:masters"}));
    // As kubeadm made it until 1.28; what kubeadm binds to a group of its own is the same.
    const auto kubelet_client =
        credentials_.user("kube-apiserver-kubelet-client", {"system:masters"});
    write_file(file("kubelet-client.crt"), kubelet_client.certificate_pem);
    write_file(file("kubelet-client.key"), kubelet_client.key_pem);
    for (const std::string name : {"kube-controller-manager", "kube-scheduler"}) {
        credentials_.kubeconfig(name, credentials_.user("system:" + name, {}));
    }
}

std::unique_ptr<Process> Cluster::launch(
    const std::string& program, std::vector<std::string> flags
) {
    ProcessOptions process;
    process.argv = std::move(flags);
    process.argv.insert(process.argv.begin(), programs_ + "/" + program);
    process.log = file(program + ".log");
    return std::make_unique<Process>(process);
}

void Cluster::start() {
    start_etcd();
    start_api_server();
    if (options_.controllers) start_controllers();
}

void Cluster::stop() {
    for (auto* part : {&scheduler_, &controller_manager_, &api_server_, &etcd_}) {
        if (!*part) continue;
        (*part)->signal(SIGTERM);
        (*part)->wait_for(20s);
        part->reset();
    }
}

void Cluster::start_etcd() {
    const std::string url = fmt::format("http://127.0.0.1:{}", etcd_port_);
    const std::string peer = fmt::format("http://127.0.0.1:{}", etcd_peer_port_);
    // Without a sync for each write: what a power cut leaves of etcd is not what is tested here.
    etcd_ = launch(
        "etcd", {"--data-dir=" + etcd_data(), "--listen-client-urls=" + url,
                 "--advertise-client-urls=" + url, "--listen-peer-urls=" + peer,
                 "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
                 "--unsafe-no-fsync", "--log-level=warn"}
    );
}

void Cluster::start_api_server() {
    std::vector<std::string> flags{
        fmt::format("--etcd-servers=http://127.0.0.1:{}", etcd_port_),
        "--bind-address=127.0.0.1",
        fmt::format("--secure-port={}", api_port_),
        "--advertise-address=127.0.0.1",
        // Nobody reaches it by the Service "kubernetes", and loopback may not be an endpoint.
        "--endpoint-reconciler-type=none",
        "--tls-cert-file=" + file("server.crt"),
        "--tls-private-key-file=" + file("server.key"),
        "--client-ca-file=" + file("ca.crt"),
        "--kubelet-client-certificate=" + file("kubelet-client.crt"),
        "--kubelet-client-key=" + file("kubelet-client.key"),
        "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file=" + file("accounts.pub"),
        "--service-account-signing-key-file=" + file("accounts.key"),
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--audit-policy-file=" + file("audit.yaml"),
        "--audit-log-path=" + audit_log(),
        fmt::format("--default-unreachable-toleration-seconds={}", options_.eviction_seconds),
        fmt::format("--default-not-ready-toleration-seconds={}", options_.eviction_seconds),
    };
    const auto& more = options_.api_server_flags;
    flags.insert(flags.end(), more.begin(), more.end());
    api_server_.reset();
    api_server_ = launch("kube-apiserver", std::move(flags));
    wait_until("kube-apiserver is ready", 120s, [this] {
        if (!api_server_->alive()) {
            throw std::runtime_error("it has ended: " + read_text(file("kube-apiserver.log")));
        }
        return get_text_as(admin_kubeconfig(), "/readyz", {}) == "ok";
    });
}

void Cluster::kill_api_server() {
    api_server_->kill();
}

void Cluster::start_controllers() {
    const std::string kubeconfig = "--kubeconfig=" + file("kube-controller-manager.kubeconfig");
    std::vector<std::string> flags{
        kubeconfig,
        "--bind-address=127.0.0.1",
        fmt::format("--secure-port={}", controller_port_),
        "--cert-dir=" + file("controller-certificates"),
        "--leader-elect=false",
        "--use-service-account-credentials",
        "--service-account-private-key-file=" + file("accounts.key"),
        "--root-ca-file=" + file("ca.crt"),
        fmt::format("--node-monitor-grace-period={}s", options_.node_grace_seconds),
    };
    const auto& more = options_.controller_manager_flags;
    flags.insert(flags.end(), more.begin(), more.end());
    controller_manager_ = launch("kube-controller-manager", std::move(flags));
    scheduler_ = launch(
        "kube-scheduler",
        {"--kubeconfig=" + file("kube-scheduler.kubeconfig"), "--bind-address=127.0.0.1",
         fmt::format("--secure-port={}", scheduler_port_),
         "--cert-dir=" + file("scheduler-certificates"), "--leader-elect=false"}
    );
    // Pods are admitted from now on: their ServiceAccount and what is mounted with it are there.
    wait_until("the controllers work", 120s, [this] {
        for (auto* part : {&controller_manager_, &scheduler_}) {
            if (!(*part)->alive()) {
                throw std::runtime_error("one has ended; its log is in " + options_.folder);
            }
        }
        const std::string place = "/api/v1/namespaces/default/";
        return get(place + "serviceaccounts/default").is_object() &&
               get(place + "configmaps/kube-root-ca.crt").is_object();
    });
}

std::string Cluster::new_token(
    const std::string& name, const std::string& account_namespace, std::chrono::seconds life
) const {
    std::string token = kubectl(
        {"create", "token", name, "-n", account_namespace,
         fmt::format("--duration={}s", life.count())}
    );
    while (token.ends_with('\n')) token.pop_back();
    return token;
}

Cluster::AccountFiles Cluster::account(
    const std::string& name, const std::string& account_namespace, std::chrono::seconds life
) const {
    const std::string token_file = file(name + ".token");
    write_file(token_file, new_token(name, account_namespace, life));
    return {credentials_.kubeconfig_with_token_file(name, token_file), token_file};
}

std::string Cluster::kubectl(std::vector<std::string> arguments, const std::string& input) const {
    const std::vector<std::string> words{programs_ + "/kubectl", "--kubeconfig",
                                         admin_kubeconfig(),     "--cache-dir",
                                         file("kubectl-cache"),  "--request-timeout=60s"};
    arguments.insert(arguments.begin(), words.begin(), words.end());
    return run(arguments, input);
}

json::Value Cluster::get(const std::string& path) const {
    return get_as(admin_kubeconfig(), path, {});
}

}  // namespace farhold::test
