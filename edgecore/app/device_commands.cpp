// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/device_commands.hpp"

#include "common/async/timeout.hpp"
#include "common/json/value.hpp"
#include "common/service/service.hpp"
#include "edgecore/app/device_text.hpp"
#include "edgecore/localapi/local_api.hpp"

#include <chrono>
#include <cstdio>
#include <utility>

namespace farhold::edge {

namespace {

constexpr Duration kLook = std::chrono::milliseconds(500);

int failed(const Error& error) {
    std::fprintf(stderr, "edgecore: %s\n", error.message().c_str());
    return error.code() == ErrorCode::invalid_argument ? config::kExitUsage : config::kExitFailed;
}

// As kubectl: a name alone is in the namespace "default".
std::string full_name(const std::string& name) {
    return name.contains('/') ? name : "default/" + name;
}

json::Value chosen(const json::Value& all, const std::string& name) {
    if (name.empty()) return all;
    json::Value list = json::Value::make_array();
    for (const json::Value& one : all.array()) {
        const std::string id =
            std::string(one.text_at({"namespace"})) + '/' + std::string(one.text_at({"name"}));
        if (id == full_name(name)) list.push_back(one);
    }
    return list;
}

Task<int> show(std::string data_dir, std::string name, bool as_json, bool watch) {
    std::string shown;
    while (true) {
        const auto devices = co_await localapi::request_devices(data_dir);
        if (!devices) co_return failed(devices.error());
        const json::Value list = chosen(*devices, name);
        if (!name.empty() && list.empty()) {
            co_return failed(Error(ErrorCode::not_found, "there is no device " + full_name(name)));
        }
        // Ages pass without news.
        const std::string text = list.dump();
        if (text != shown) {
            const std::string screen = as_json ? list.dump_pretty() + "\n"
                                               : render_devices(list, SystemClock().now().wall);
            std::fputs(screen.c_str(), stdout);
            std::fflush(stdout);
            shown = text;
        }
        if (!watch) co_return config::kExitDone;
        co_await sleep_for(kLook);
    }
}

Task<int> set(std::string data_dir, std::string name, std::string assignment) {
    const std::size_t sign = assignment.find('=');
    if (sign == std::string::npos || sign == 0) {
        co_return failed(Error(ErrorCode::invalid_argument, assignment + " is not PROPERTY=VALUE"));
    }
    localapi::DesiredValue value{
        .device = full_name(name),
        .property = assignment.substr(0, sign),
        .value = assignment.substr(sign + 1),
        .who = "edgecore device",
    };
    const auto done = co_await localapi::request_desired(data_dir, std::move(value));
    if (!done) co_return failed(done.error());
    co_return config::kExitDone;
}

}  // namespace

DeviceCommands::DeviceCommands(config::Command& root, Settings& settings) : settings_(settings) {
    config::Command& device =
        root.command("device", "shows devices, or sets what is desired of one");
    declare(device, settings_);
    device.positional("words", words_, "[NAMESPACE/]NAME, or: set [NAMESPACE/]NAME PROPERTY=VALUE");
    device.setting("w,watch", watch_, "show them again whenever something has changed");
    device.choice("o,output", output_, {"text", "json"}, "form of the output");
    device.action([this] { return act(); });
}

int DeviceCommands::act() const {
    const bool is_set = !words_.empty() && words_[0] == "set";
    if (is_set ? words_.size() != 3 : words_.size() > 1) {
        return failed(
            Error(ErrorCode::invalid_argument, "device [NAME], or: device set NAME PROPERTY=VALUE")
        );
    }
    return service::run([&](const Executor&) {
        if (is_set) return set(settings_.data_dir, words_[1], words_[2]);
        const std::string name = words_.empty() ? "" : words_[0];
        return show(settings_.data_dir, name, output_ == "json", watch_);
    });
}

}  // namespace farhold::edge
