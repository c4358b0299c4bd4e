// SPDX-License-Identifier: Apache-2.0
#include "tests/support/rig/cloud.hpp"

#include "common/base/random.hpp"
#include "common/kubeconfig/kubeconfig.hpp"
#include "tests/support/containerd/containerd_fixture.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace farhold::test {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

bool is_free(int port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int reuse = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    const bool bound =
        ::bind(socket, reinterpret_cast<const ::sockaddr*>(&address), sizeof address) == 0;
    ::close(socket);
    return bound;
}

// Until this process ends no other test chooses that port, though nobody may listen there for a while.
// The claim is a name that one socket of this machine can have, and no file that stays.
bool claim(int port) {
    const std::string name = "farhold-test-port-" + std::to_string(port);
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(name, address.sun_path + 1);
    const auto size = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + 1 + name.size());
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(socket, reinterpret_cast<const ::sockaddr*>(&address), size) == 0) return true;
    ::close(socket);
    return false;
}

kubeconfig::Kubeconfig read_kubeconfig(const std::string& path) {
    auto parsed = kubeconfig::parse(read_text(path), path);
    if (!parsed) throw std::runtime_error(parsed.error().message());
    return std::move(*parsed);
}

void write_text(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

// The body and, as its last line, the status.
std::string ask(
    const std::string& kubeconfig_path, const std::string& path, const std::string& network
) {
    const auto config = read_kubeconfig(kubeconfig_path);
    const std::string base = kubeconfig_path + ".curl";
    write_text(base + ".ca", config.ca_pem);
    write_text(base + ".crt", config.client_certificate_pem + config.client_key_pem);
    return run(in_network_namespace(
        network, {"curl", "-sS", "--max-time", "20", "--cacert", base + ".ca", "--cert",
                  base + ".crt", "-w", "\n%{http_code}", config.server + path}
    ));
}

}  // namespace

int free_port() {
    auto random = Random::from_system();
    while (true) {
        const int port = 10'000 + static_cast<int>(random.between(0, 19'999));
        if (is_free(port) && claim(port)) return port;
    }
}

std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string get_text_as(
    const std::string& kubeconfig, const std::string& path, const std::string& network_namespace
) {
    const std::string answer = ask(kubeconfig, path, network_namespace);
    const auto line = answer.rfind('\n');
    const std::string status = answer.substr(line + 1);
    if (status == "404") return {};
    if (status != "200") throw std::runtime_error("GET " + path + ": " + answer);
    return answer.substr(0, line);
}

json::Value get_as(
    const std::string& kubeconfig, const std::string& path, const std::string& network_namespace
) {
    const std::string text = get_text_as(kubeconfig, path, network_namespace);
    if (text.empty()) return {};
    auto value = json::Value::parse(text);
    if (!value) throw std::runtime_error("GET " + path + ": " + value.error().message());
    return std::move(*value);
}

Cloud::Cloud(CloudOptions options)
    : options_(std::move(options)),
      data_dir_(options_.data_dir.empty() ? options_.folder + "/cloud-data" : options_.data_dir),
      log_(options_.folder + "/cloudcore.log"),
      api_port_(free_port()),
      hub_port_(free_port()),
      health_port_(free_port()) {
    need_root_and({options_.kubectl, "curl"});
    fs::create_directories(options_.folder);
}

std::string Cloud::kubeconfig() const {
    if (!options_.admin_kubeconfig.empty()) return options_.admin_kubeconfig;
    const std::string& cluster = options_.cluster_kubeconfig;
    return cluster.empty() ? data_dir_ + "/admin.kubeconfig" : cluster;
}

std::vector<std::string> Cloud::mode() const {
    if (!options_.cluster_kubeconfig.empty()) {
        return {
            "--kubeconfig", options_.cluster_kubeconfig, "--kubelet-address",
            options_.kubelet_address
        };
    }
    return {"--standalone", "--api-address", "127.0.0.1:" + std::to_string(api_port_)};
}

void Cloud::start_without_waiting() {
    if (running()) throw std::runtime_error("cloudcore runs already");
    ProcessOptions process;
    process.argv = {program("cloudcore"), "serve",
                    "--data-dir",         data_dir_,
                    "--hub-address",      hub(),
                    "--hub-name",         options_.address,
                    "--health-address",   "127.0.0.1:" + std::to_string(health_port_)};
    for (const auto& more : {mode(), options_.flags}) {
        process.argv.insert(process.argv.end(), more.begin(), more.end());
    }
    process.wrapper = options_.wrapper;
    process.environment = options_.environment;
    process.network_namespace = options_.network_namespace;
    process.log = log_;
    process_.reset();
    process_ = std::make_unique<Process>(process);
}

void Cloud::wait_until_ready() {
    const std::string url = "http://127.0.0.1:" + std::to_string(health_port_) + "/readyz";
    wait_until("cloudcore is ready", 60s, [&] {
        if (!running()) throw std::runtime_error("cloudcore has ended: " + log());
        return run_to_end(here({"curl", "-sf", "--max-time", "5", url})).exit_code == 0;
    });
}

void Cloud::start() {
    start_without_waiting();
    wait_until_ready();
}

void Cloud::kill() {
    process().kill();
}

void Cloud::stop() {
    process().signal(SIGTERM);
    const auto code = process().wait_for(10s);
    if (code != 0) {
        throw std::runtime_error(
            code ? "cloudcore ended with " + std::to_string(*code)
                 : "cloudcore did not end within 10 s"
        );
    }
}

Process& Cloud::process() {
    if (!process_) throw std::runtime_error("cloudcore was not started");
    return *process_;
}

std::string Cloud::log() const {
    return read_text(log_);
}

std::string Cloud::hub() const {
    return options_.address + ":" + std::to_string(hub_port_);
}

std::string Cloud::token(const std::string& node) {
    // edgecore join wss://HOST:PORT --token TOKEN
    const bool is_beside = !options_.cluster_kubeconfig.empty();
    std::vector<std::string> words{
        program("cloudcore"), "token", "create", is_beside ? "--kubeconfig" : "--data-dir",
        is_beside ? kubeconfig() : data_dir_
    };
    if (!node.empty()) words.insert(words.end(), {"--node", node});
    const std::string line = run(here(std::move(words)));
    const auto begin = line.find("--token ") + 8;
    return line.substr(begin, line.find_first_of(" \n", begin) - begin);
}

std::string Cloud::metrics() const {
    return run(here(
        {"curl", "-sSf", "--max-time", "20",
         "http://127.0.0.1:" + std::to_string(health_port_) + "/metrics"}
    ));
}

std::string Cloud::kubectl(std::vector<std::string> arguments, const std::string& input) const {
    std::vector<std::string> words{
        options_.kubectl,
        "--kubeconfig",
        kubeconfig(),
        "--cache-dir",
        options_.folder + "/kubectl-cache",
        "--request-timeout=30s"
    };
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run(here(std::move(words)), input);
}

json::Value Cloud::get(const std::string& path) const {
    return get_as(kubeconfig(), path, options_.network_namespace);
}

std::string Cloud::pod_phase(const std::string& name) const {
    return std::string(get("/api/v1/namespaces/default/pods/" + name).text_at({"status", "phase"}));
}

bool Cloud::node_ready(const std::string& name) const {
    const json::Value node = get("/api/v1/nodes/" + name);
    for (const json::Value& condition : node.elements_at({"status", "conditions"})) {
        if (condition.text_at({"type"}) == "Ready") return condition.text_at({"status"}) == "True";
    }
    return false;
}

std::vector<std::string> Cloud::here(std::vector<std::string> argv) const {
    return in_network_namespace(options_.network_namespace, std::move(argv));
}

std::string pod_manifest(const std::string& name, const PodOptions& options) {
    using json::Value;
    Value container = Value::make_object(
        {{"name", Value::of("main")},
         {"image", Value::of(ContainerdFixture::kBusybox)},
         {"command",
          Value::make_array({Value::of("/bin/sh"), Value::of("-c"), Value::of(options.command)})}}
    );
    Value spec = Value::make_object(
        {{"terminationGracePeriodSeconds", Value::of(options.grace_seconds)},
         {"containers", Value::make_array({std::move(container)})}}
    );
    if (!options.node.empty()) spec.set("nodeName", Value::of(options.node));
    return Value::make_object({{"apiVersion", Value::of("v1")},
                               {"kind", Value::of("Pod")},
                               {"metadata", Value::make_object({{"name", Value::of(name)}})},
                               {"spec", std::move(spec)}}
    ).dump();
}

}  // namespace farhold::test
