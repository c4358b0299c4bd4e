// SPDX-License-Identifier: Apache-2.0
//
// One machine's twins with a clock that is turned by hand and a disk that keeps what was committed.
#pragma once

#include "common/json/value.hpp"
#include "edgecore/twin/twins.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::test {

class TwinBench {
public:
    TwinBench() : twins_(make()) {}

    // What the cloud has of a device; null: no desired value.
    void device(
        std::string_view uid, std::map<std::string, std::string> desired,
        std::string_view rule = "newest"
    ) {
        json::Value object = json::Value::make_object();
        json::Value& metadata = object.ensure_path({"metadata"});
        metadata.set("namespace", json::Value::of("default"));
        metadata.set("name", json::Value::of("lamp"));
        metadata.set("uid", json::Value::of(uid));
        metadata.ensure_path({"annotations"}).set("farhold.io/conflict", json::Value::of(rule));
        json::Value& spec = object.ensure_path({"spec"});
        spec.ensure_path({"deviceModelRef"}).set("name", json::Value::of("lamp"));
        spec.ensure_path({"protocol"}).set("protocolName", json::Value::of("mqtt"));
        json::Value& properties = spec.set("properties", json::Value::make_array());
        for (const auto& [name, value] : desired) {
            json::Value& one = properties.push_back(json::Value::make_object());
            one.set("name", json::Value::of(name));
            one.ensure_path({"desired"}).set("value", json::Value::of(value));
        }
        twins_.set_device(object, &model(), now());
    }

    void send(std::string_view what, std::string_view payload, bool retained = false) {
        twins_.message(
            {.topic = "$hw/events/device/default/lamp/" + std::string(what),
             .payload = std::string(payload),
             .retained = retained},
            now()
        );
    }
    void report(std::string_view property, std::string_view value) {
        send(
            "twin/update", R"({"event_id":"e","twin":{")" + std::string(property) +
                               R"(":{"actual":{"value":")" + std::string(value) + R"("}}}})"
        );
    }

    // Carries out what is due; the messages are those that go out.
    std::vector<twin::Publish> run() {
        twin::Effects effects = take();
        if (disk_fails) return twins_.failed(std::move(effects), "the disk is full", now());
        for (const twin::Row& row : effects.rows) disk[row.key] = row.text;
        for (const std::string& key : effects.forgotten) disk.erase(key);
        for (const twin::Report& one : effects.reports) reports.push_back(one);
        return effects.publishes;
    }
    twin::Effects take() {
        return twins_.take(now(), [this](const twin::Report& /*report*/) { return !outbox_full; });
    }
    std::vector<std::string> deltas() {
        std::vector<std::string> found;
        for (const twin::Publish& one : run()) {
            if (!one.topic.ends_with("/delta")) continue;
            found.push_back(json::Value::parse(one.payload)->find("delta")->dump());
        }
        return found;
    }

    // The process dies, and another one begins with what is on the disk.
    void restart() {
        twins_ = make();
        for (const auto& [key, text] : disk) {
            [[maybe_unused]] const auto restored = twins_.restore(key, text);
        }
    }

    void pass(Duration time) {
        mono_ += time;
        wall += time;
        trusted += time;
    }
    [[nodiscard]] twin::Moment now() const {
        return {.mono = mono_, .wall = wall, .trusted = trusted};
    }

    twin::Twins& twins() { return twins_; }
    [[nodiscard]] const twin::Property& property(const std::string& name) const {
        return twins_.find("default/lamp")->record().properties.at(name);
    }
    [[nodiscard]] std::string desired(const std::string& name) const {
        const auto& one = property(name).desired;
        return one ? one->value : "";
    }
    // Of the last report about the device's status.
    [[nodiscard]] json::Value told() const {
        for (auto it = reports.rbegin(); it != reports.rend(); ++it) {
            if (it->key == "DeviceStatus/default/lamp") return *json::Value::parse(it->body);
        }
        return {};
    }

    static const json::Value& model() {
        static const json::Value kModel = *json::Value::parse(R"({"spec":{"properties":[
            {"name":"power","type":"INT","accessMode":"ReadWrite","minimum":"0","maximum":"100"},
            {"name":"heat","type":"FLOAT","accessMode":"ReadOnly"}]}})");
        return kModel;
    }

    std::map<std::string, std::string> disk;
    std::vector<twin::Report> reports;
    bool disk_fails = false;
    bool outbox_full = false;
    WallTime wall = std::chrono::sys_days{std::chrono::year{2026} / 5 / 4};
    WallTime trusted = wall;

private:
    static twin::Twins make() { return {"edge-1", Random(7)}; }

    Instant mono_{std::chrono::seconds(1000)};
    twin::Twins twins_;
};

}  // namespace farhold::test
