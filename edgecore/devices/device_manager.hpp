// SPDX-License-Identifier: Apache-2.0
//
// The devices of this machine. Runs on the loop; what was answered as done survives a crash.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/async/task_group.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/json/value.hpp"
#include "common/log/log.hpp"
#include "common/log/trouble.hpp"
#include "common/object/object_key.hpp"
#include "edgecore/mqtt/mqtt_client.hpp"
#include "edgecore/store/state_keeper.hpp"
#include "edgecore/twin/twins.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace farhold::devices {

struct DeviceServices {
    Executor executor;
    store::StateKeeper& store;
    const Clock& clock;
    std::string node;
    std::function<WallTime()> trusted_time;
    // Whether the machine holds all that the cloud wants of it.
    std::function<bool()> linked;
    std::optional<mqtt::ClientSettings> broker;  // Without filters; none: no MQTT.
    log::Logger log;
};

class DeviceManager {
public:
    // The references must outlive it.
    explicit DeviceManager(DeviceServices services);
    DeviceManager(const DeviceManager&) = delete;
    DeviceManager& operator=(const DeviceManager&) = delete;
    ~DeviceManager();

    // Runs in the group until that is cancelled; must outlive it.
    void start(TaskGroup& group);

    // Returns when it is on the disk. `device` is "<namespace>/<name>".
    Task<Result<>> set_desired(
        std::string device, std::string property, std::string value, std::string who
    );

    [[nodiscard]] json::Value status() const;
    [[nodiscard]] const twin::Twins& twins() const { return twins_; }
    // Null without a broker.
    [[nodiscard]] const mqtt::MqttClient* broker() const { return client_.get(); }

private:
    Task<> run();
    Task<> carry_out(twin::Effects effects, std::vector<store::ReportRow> reports);
    void look_at_devices();
    void take_messages();
    void publish(const std::vector<twin::Publish>& publishes);
    void log_refused();
    [[nodiscard]] twin::Moment now() const;

    DeviceServices services_;
    log::Logger logger_;
    log::Trouble not_kept_;
    twin::Twins twins_;
    std::unique_ptr<mqtt::MqttClient> client_;
    std::vector<mqtt::Received> inbox_;
    std::set<object::ObjectKey> changed_keys_;
    bool connected_ = false;  // Newly.
    bool others_forgotten_ = false;
    std::optional<Instant> retry_at_;  // After a commit that failed.
    std::string commit_trouble_;       // Of the last one; empty: it succeeded.
    std::uint64_t begun_ = 0;          // Commits, and those of them that are over.
    std::uint64_t over_ = 0;
    std::uint64_t refused_logged_ = 0;
    farhold::Event changed_;
    std::set<std::shared_ptr<farhold::Event>> waiting_;  // For the end of a commit.
};

}  // namespace farhold::devices
