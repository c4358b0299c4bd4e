// SPDX-License-Identifier: Apache-2.0
#include "tests/support/rig/machine.hpp"

#include <csignal>
#include <filesystem>
#include <utility>

namespace farhold::test {

using namespace std::chrono_literals;

Machine::Machine(Cloud& cloud, MachineOptions options)
    : cloud_(cloud),
      options_(std::move(options)),
      data_dir_(options_.data_dir.empty() ? options_.folder + "/edge-data" : options_.data_dir) {
    std::filesystem::create_directories(options_.folder);
}

void Machine::join() {
    const std::string hub = options_.hub.empty() ? cloud_.hub() : options_.hub;
    std::vector<std::string> argv{
        program("edgecore"),
        "join",
        "wss://" + hub,
        "--token",
        cloud_.token(options_.takes_over ? options_.name : ""),
        "--node-name",
        options_.name,
        "--data-dir",
        data_dir_,
        "--config",
        config(),
        "--runtime-endpoint",
        "unix://" + options_.runtime_socket,
        "--local-api-address",
        "auto",
        "--pod-log-dir",
        options_.folder + "/pod-logs",
        "--cgroup-parent",
        options_.cgroup_parent
    };
    argv.insert(argv.end(), options_.join_flags.begin(), options_.join_flags.end());
    run(here(std::move(argv)));
}

void Machine::start_without_waiting() {
    if (running()) throw std::runtime_error("edgecore runs already");
    ProcessOptions process;
    process.argv = {program("edgecore"), "run", "--config", config()};
    if (!options_.hub.empty()) {
        process.argv.insert(process.argv.end(), {"--hub", options_.hub});
    }
    process.argv.insert(process.argv.end(), options_.flags.begin(), options_.flags.end());
    process.wrapper = options_.wrapper;
    process.environment = options_.environment;
    process.network_namespace = options_.network_namespace;
    process.log = log_file();
    process_.reset();
    process_ = std::make_unique<Process>(process);
}

void Machine::wait_until_up() {
    wait_until("edgecore " + options_.name + " answers", 60s, [&] {
        if (!running()) throw std::runtime_error("edgecore has ended: " + log());
        return status().is_object();
    });
}

void Machine::start() {
    start_without_waiting();
    wait_until_up();
}

void Machine::kill() {
    process().kill();
}

void Machine::stop() {
    process().signal(SIGTERM);
    const auto code = process().wait_for(10s);
    if (code != 0) {
        throw std::runtime_error(
            code ? "edgecore ended with " + std::to_string(*code)
                 : "edgecore did not end within 10 s"
        );
    }
}

Process& Machine::process() {
    if (!process_) throw std::runtime_error("edgecore was not started");
    return *process_;
}

json::Value Machine::status() const {
    const std::string text =
        run(here({program("edgecore"), "status", "-o", "json", "--data-dir", data_dir_}));
    auto value = json::Value::parse(text);
    if (!value) throw std::runtime_error(text + ": " + value.error().message());
    return std::move(*value);
}

bool Machine::connected() const {
    return status().text_at({"link", "state"}) == "connected";
}

std::string Machine::metrics() const {
    return get_text_as(data_dir_ + "/local.kubeconfig", "/metrics", options_.network_namespace);
}

int Machine::local_api_port() const {
    // server: https://127.0.0.1:PORT
    const std::string text = read_text(data_dir_ + "/local.kubeconfig");
    const std::string address = "https://127.0.0.1:";
    return std::stoi(text.substr(text.find(address) + address.size()));
}

std::string Machine::log() const {
    return read_text(log_file());
}

std::vector<std::string> Machine::here(std::vector<std::string> argv) const {
    return in_network_namespace(options_.network_namespace, std::move(argv));
}

}  // namespace farhold::test
