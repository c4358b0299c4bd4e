// SPDX-License-Identifier: Apache-2.0
//
// edgecore's settings: flags and keys of edgecore.yaml alike.
#pragma once

#include "common/config/command_line.hpp"
#include "common/service/log_settings.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace farhold::edge {

inline constexpr const char* kDefaultConfig = "/etc/farhold/edgecore.yaml";

struct Settings {
    std::string config = kDefaultConfig;
    std::string data_dir = "/var/lib/farhold/edge";
    std::vector<std::string> hubs;  // HOST:PORT, in the order of preference.
    std::string runtime_endpoint = "unix:///run/containerd/containerd.sock";
    std::string local_api_address = "127.0.0.1:10550";
    std::string pod_log_dir = "/var/log/pods";
    std::string cgroup_parent;  // Empty: /farhold- and the beginning of the store's uuid.
    std::string mqtt_broker = "tcp://127.0.0.1:1883";  // Or "none".
    std::string mqtt_user;
    std::string mqtt_password_file;
    std::string mqtt_ca_file;
    std::string mqtt_cert_file;
    std::string mqtt_key_file;
    service::LogSettings log;
};

// Where the pods' control groups are.
std::string pod_cgroup_parent(const Settings& settings, const std::string& store_uuid);

// Every command takes all of them, so that one configuration file serves all commands. `join` writes
// that file, the others read it.
enum class ConfigFile : std::uint8_t { read, write };
void declare(config::Command& command, Settings& settings, ConfigFile use = ConfigFile::read);

// The configuration file that `join` leaves behind: what differs from the defaults.
std::string render_config(const Settings& settings);

}  // namespace farhold::edge
