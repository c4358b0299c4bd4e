// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/settings.hpp"

#include <fmt/format.h>

namespace farhold::edge {

namespace {

// A YAML scalar that survives any text: JSON's quoting is YAML's double-quoted style.
std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (byte < 0x20) {
            out += fmt::format("\\x{:02x}", byte);
        } else {
            out.push_back(c);
        }
    }
    return out + "\"";
}

}  // namespace

std::string pod_cgroup_parent(const Settings& settings, const std::string& store_uuid) {
    return settings.cgroup_parent.empty() ? "/farhold-" + store_uuid.substr(0, 8)
                                          : settings.cgroup_parent;
}

void declare(config::Command& command, Settings& settings, ConfigFile use) {
    if (use == ConfigFile::read) {
        command.config_file(settings.config);
    } else {
        command.setting("config", settings.config, "configuration file to write");
    }
    command.setting("data-dir", settings.data_dir, "where the machine keeps its state");
    command.setting("hub", settings.hubs, "HOST:PORT of a cloudcore; may be given several times");
    command.setting(
        "runtime-endpoint", settings.runtime_endpoint, "CRI socket of the container runtime"
    );
    command.setting(
        "local-api-address", settings.local_api_address,
        "HOST:PORT of the local API, or auto for any free port"
    );
    command.setting("pod-log-dir", settings.pod_log_dir, "where containers' logs are written");
    command.setting(
        "cgroup-parent", settings.cgroup_parent,
        "cgroup that holds the pods; default: one of this machine's store"
    );
    command.setting(
        "mqtt-broker", settings.mqtt_broker,
        "MQTT broker of the devices, tcp://HOST:PORT or ssl://HOST:PORT, or none"
    );
    command.setting("mqtt-user", settings.mqtt_user, "user name at the MQTT broker");
    command.setting(
        "mqtt-password-file", settings.mqtt_password_file, "file with that user's password"
    );
    command.setting(
        "mqtt-ca-file", settings.mqtt_ca_file,
        "authorities (PEM) of the MQTT broker's certificate; default: the system's"
    );
    command.setting(
        "mqtt-cert-file", settings.mqtt_cert_file, "client certificate (PEM) for the MQTT broker"
    );
    command.setting("mqtt-key-file", settings.mqtt_key_file, "key (PEM) of that certificate");
    settings.log.declare(command);
}

std::string render_config(const Settings& settings) {
    const Settings defaults;
    std::string text = "# Written by edgecore join. Every key is also a flag of edgecore run.\n";
    const auto line = [&](const char* key, const std::string& value, const std::string& usual) {
        if (value != usual) text += fmt::format("{}: {}\n", key, quoted(value));
    };
    text += "hub:\n";
    for (const std::string& hub : settings.hubs) text += fmt::format("- {}\n", quoted(hub));
    line("data-dir", settings.data_dir, defaults.data_dir);
    line("runtime-endpoint", settings.runtime_endpoint, defaults.runtime_endpoint);
    line("local-api-address", settings.local_api_address, defaults.local_api_address);
    line("pod-log-dir", settings.pod_log_dir, defaults.pod_log_dir);
    line("cgroup-parent", settings.cgroup_parent, defaults.cgroup_parent);
    line("mqtt-broker", settings.mqtt_broker, defaults.mqtt_broker);
    line("mqtt-user", settings.mqtt_user, defaults.mqtt_user);
    line("mqtt-password-file", settings.mqtt_password_file, defaults.mqtt_password_file);
    line("mqtt-ca-file", settings.mqtt_ca_file, defaults.mqtt_ca_file);
    line("mqtt-cert-file", settings.mqtt_cert_file, defaults.mqtt_cert_file);
    line("mqtt-key-file", settings.mqtt_key_file, defaults.mqtt_key_file);
    line("log-format", settings.log.format, defaults.log.format);
    line("log-level", settings.log.level, defaults.log.level);
    return text;
}

}  // namespace farhold::edge
