// SPDX-License-Identifier: Apache-2.0
#include "edgecore/devices/device_manager.hpp"

#include "edgecore/devices/device_status.hpp"
#include "edgecore/store/desired_object.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <iterator>
#include <utility>

namespace farhold::devices {
namespace {

constexpr Duration kCommitRetry = std::chrono::seconds(1);
// While something waits for the link: nobody tells when it is there.
constexpr Duration kLinkLook = std::chrono::milliseconds(500);

std::vector<std::string> filters_for(const std::string& node) {
    std::vector<std::string> filters;
    for (const std::string_view filter : twin::kDeviceFilters) filters.emplace_back(filter);
    filters.push_back(twin::membership_filter(node, "get"));
    filters.push_back(twin::membership_filter(node, "detail"));
    return filters;
}

}  // namespace

DeviceManager::DeviceManager(DeviceServices services)
    : services_(std::move(services)),
      logger_(services_.log.with({{"component", "devices"}})),
      not_kept_(
          logger_, "values of devices not kept, nothing of them is confirmed",
          "values of devices kept", log::Level::error
      ),
      twins_(services_.node, Random::from_system()),
      changed_(services_.executor) {
    if (services_.broker) {
        services_.broker->filters = filters_for(services_.node);
        client_ = std::make_unique<mqtt::MqttClient>(
            services_.executor, *services_.broker,
            mqtt::MqttClient::Handlers{
                .messages =
                    [this](std::vector<mqtt::Received> messages) {
                        std::ranges::move(messages, std::back_inserter(inbox_));
                        changed_.set();
                    },
                .connected =
                    [this] {
                        connected_ = true;
                        changed_.set();
                    },
            },
            services_.log
        );
    }
    services_.store.on_change([this](std::span<const object::ObjectKey> changed) {
        for (const object::ObjectKey& key : changed) {
            if (key.kind != "Device" && key.kind != "DeviceModel") continue;
            changed_keys_.insert(key);
            changed_.set();
        }
    });
}

DeviceManager::~DeviceManager() = default;

void DeviceManager::start(TaskGroup& group) {
    for (const auto& [key, text] : services_.store.memory()) {
        if (!key.starts_with(store::kTwinMemory)) continue;
        const auto restored = twins_.restore(key.substr(store::kTwinMemory.size()), text);
        if (!restored) {
            logger_.error("twin not readable", {{"error", restored.error().message()}});
        }
    }
    for (const store::DesiredRow* row : services_.store.desired().of_kind("Device")) {
        changed_keys_.insert(row->key);
    }
    if (client_ != nullptr) client_->start(group);
    group.spawn(run());
}

twin::Moment DeviceManager::now() const {
    const Now now = services_.clock.now();
    return {.mono = now.mono, .wall = now.wall, .trusted = services_.trusted_time()};
}

Task<> DeviceManager::run() {
    while (true) {
        twins_.set_linked(services_.linked(), now());
        look_at_devices();
        take_messages();
        if (std::exchange(connected_, false)) twins_.broker_connected();
        const bool may_commit = !retry_at_ || now().mono >= *retry_at_;
        if (may_commit) {
            retry_at_.reset();
            std::vector<store::ReportRow> reports;
            twin::Effects effects = twins_.take(now(), [&](const twin::Report& report) {
                auto row = services_.store.outbox().put(report.key, report.uid, report.body);
                if (row) reports.push_back(std::move(*row));
                return row.has_value();
            });
            co_await carry_out(std::move(effects), std::move(reports));
        }
        if (!inbox_.empty() || !changed_keys_.empty()) continue;
        std::optional<Instant> wake = twins_.wake_at();
        if (retry_at_) wake = *retry_at_;
        const Instant mono = now().mono;
        if (twins_.awaits_link())
            wake = std::min(wake.value_or(mono + kLinkLook), mono + kLinkLook);
        if (wake) {
            if (*wake > mono) co_await changed_.wait_for(*wake - mono);
        } else {
            co_await changed_.wait();
        }
    }
}

// A model concerns all devices that refer to it.
void DeviceManager::look_at_devices() {
    const store::DesiredState& desired = services_.store.desired();
    const auto keys = std::exchange(changed_keys_, {});
    std::set<object::ObjectKey> devices;
    for (const object::ObjectKey& key : keys) {
        if (key.kind == "Device") {
            devices.insert(key);
            continue;
        }
        for (const store::DesiredRow* row : desired.of_kind("Device")) {
            if (row->key.ns == key.ns) devices.insert(row->key);
        }
    }
    for (const object::ObjectKey& key : devices) {
        const store::DesiredRow* row = desired.find(key);
        if (row == nullptr) {
            twins_.remove_device(key.ns + '/' + key.name, now());
            continue;
        }
        const json::Value device = store::desired_object(*row);
        const std::string_view model = device.text_at({"spec", "deviceModelRef", "name"});
        const store::DesiredRow* model_row = desired.find("DeviceModel", key.ns, model);
        json::Value model_object;
        if (model_row != nullptr) model_object = store::desired_object(*model_row);
        twins_.set_device(device, model_row != nullptr ? &model_object : nullptr, now());
    }
    if (!others_forgotten_ && desired.complete() && desired.confirmed()) {
        others_forgotten_ = true;
        twins_.forget_others();
    }
}

void DeviceManager::take_messages() {
    const auto messages = std::exchange(inbox_, {});
    const twin::Moment moment = now();
    for (const mqtt::Received& received : messages) {
        twins_.message(
            {.topic = received.topic,
             .payload = received.payload,
             .retained = received.retained,
             .assured = received.assured},
            moment
        );
    }
    log_refused();
}

Task<> DeviceManager::carry_out(twin::Effects effects, std::vector<store::ReportRow> reports) {
    const std::uint64_t number = ++begun_;
    commit_trouble_.clear();
    if (effects.must_commit()) {
        store::StoreBatch batch;
        for (const twin::Row& row : effects.rows) {
            batch.memory.push_back({std::string(store::kTwinMemory) + row.key, row.text});
        }
        for (const std::string& key : effects.forgotten) {
            batch.forgotten.push_back(std::string(store::kTwinMemory) + key);
        }
        batch.reports = std::move(reports);
        const auto done = co_await services_.store.commit(std::move(batch));
        const twin::Moment moment = now();
        if (!done) {
            commit_trouble_ = done.error().message();
            not_kept_.met(commit_trouble_, moment.mono);
            retry_at_ = moment.mono + kCommitRetry;
            effects.publishes = twins_.failed(std::move(effects), commit_trouble_, moment);
        } else {
            not_kept_.over(moment.mono);
        }
    }
    publish(effects.publishes);
    over_ = number;
    for (const auto& one : std::exchange(waiting_, {})) one->set();
}

// What the broker does not take now is lost, as for anybody who did not listen; but a delta is said
// again.
void DeviceManager::publish(const std::vector<twin::Publish>& publishes) {
    if (client_ == nullptr) return;
    for (const twin::Publish& one : publishes) {
        const bool sent = client_->publish(one.topic, one.payload, one.assured);
        if (!sent && !one.delta_of.empty()) twins_.say_again(one.delta_of, now());
    }
}

// The first, and then each power of two: a broker may bring ten thousand a second.
void DeviceManager::log_refused() {
    for (const twin::RefusedMessage& one : twins_.take_refused()) {
        if (!std::has_single_bit(++refused_logged_)) continue;
        logger_.warning(
            "message refused", {{"topic", one.topic},
                                {"code", static_cast<int>(one.code)},
                                {"reason", one.reason},
                                {"count", refused_logged_}}
        );
    }
}

Task<Result<>> DeviceManager::set_desired(
    std::string device, std::string property, std::string value, std::string who
) {
    twins_.set_linked(services_.linked(), now());
    auto set = twins_.set_desired(device, property, std::move(value), std::move(who), now());
    if (!set) co_return set;
    // One that is under way does not have it.
    const std::uint64_t needed = begun_ + 1;
    changed_.set();
    while (over_ < needed) {
        const auto done = std::make_shared<farhold::Event>(services_.executor);
        waiting_.insert(done);
        co_await done->wait();
    }
    if (!commit_trouble_.empty()) co_return fail(ErrorCode::unavailable, commit_trouble_);
    co_return Result<>{};
}

json::Value DeviceManager::status() const {
    json::Value list = json::Value::make_array();
    for (const std::string& id : twins_.ids()) {
        list.push_back(device_status(id, *twins_.find(id)));
    }
    return list;
}

}  // namespace farhold::devices
