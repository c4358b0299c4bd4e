// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/mqtt_settings.hpp"

#include "common/datadir/data_dir.hpp"

#include <utility>

namespace farhold::edge {

Result<std::optional<mqtt::ClientSettings>> read_mqtt_settings(
    const Settings& settings, const std::string& node
) {
    if (settings.mqtt_broker.empty() || settings.mqtt_broker == "none") return std::nullopt;
    auto broker = mqtt::parse_broker_address(settings.mqtt_broker);
    if (!broker) return fail(broker.error().within("mqtt-broker"));
    mqtt::ClientSettings client{
        .broker = std::move(*broker),
        .client_id = "farhold-" + node,
        .user = settings.mqtt_user,
        .password = {},
        .ca_file = settings.mqtt_ca_file,
        .cert_file = settings.mqtt_cert_file,
        .key_file = settings.mqtt_key_file,
        .filters = {},
    };
    if (!settings.mqtt_password_file.empty()) {
        if (client.user.empty()) {
            return fail(ErrorCode::invalid_argument, "mqtt-password-file: mqtt-user is missing");
        }
        auto password = datadir::read_file(settings.mqtt_password_file);
        if (!password) return fail(password.error().within("mqtt-password-file"));
        while (password->ends_with('\n') || password->ends_with('\r')) password->pop_back();
        client.password = std::move(*password);
    }
    return client;
}

}  // namespace farhold::edge
