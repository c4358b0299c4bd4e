// SPDX-License-Identifier: Apache-2.0
//
// One client of one MQTT broker. All calls are made on the loop; Paho's own threads hand over to it.
#pragma once

#include "common/async/task.hpp"
#include "common/async/task_group.hpp"
#include "common/log/log.hpp"
#include "edgecore/mqtt/broker_address.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace farhold::mqtt {

inline constexpr std::size_t kInboxMessagesMax = 16'384;
inline constexpr std::size_t kInboxBytesMax = std::size_t{16} << 20U;
inline constexpr std::size_t kOutboxMessagesMax = 32'768;
// A broker that speaks MQTT 5 keeps longer ones from us.
inline constexpr std::uint32_t kPacketBytesMax = std::uint32_t{1} << 20U;

struct ClientSettings {
    BrokerAddress broker;
    std::string client_id;
    std::string user;
    std::string password;
    std::string ca_file;  // Empty: the system's authorities.
    std::string cert_file;
    std::string key_file;
    std::vector<std::string> filters;  // Subscribed at every connection, with QoS 1.
};

struct Received {
    std::string topic;
    std::string payload;
    bool retained = false;
    bool assured = true;  // QoS 1 or 2.
};

struct ClientCounters {
    std::uint64_t connects = 0;
    std::uint64_t losses = 0;
    std::uint64_t received = 0;
    std::uint64_t published = 0;
    std::uint64_t not_published = 0;  // No connection, or the broker takes no more.
};

class MqttClient {
public:
    struct Handlers {
        std::function<void(std::vector<Received> messages)> messages;
        std::function<void()> connected;  // And subscribed.
    };

    MqttClient(Executor executor, ClientSettings settings, Handlers handlers, log::Logger logger);
    MqttClient(const MqttClient&) = delete;
    MqttClient& operator=(const MqttClient&) = delete;
    ~MqttClient();

    // Runs in the group until that is cancelled.
    void start(TaskGroup& group);
    // False: not now.
    bool publish(const std::string& topic, const std::string& payload, bool assured);

    [[nodiscard]] bool connected() const;
    // Why not; empty when connected.
    [[nodiscard]] const std::string& trouble() const;
    [[nodiscard]] const ClientCounters& counters() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::mqtt
